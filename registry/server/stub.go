package server

import "net/http"

func (s *Server) guard(next http.Handler) http.Handler        { return next }                   // ops
func (s *Server) apiRoutes() http.Handler                     { return http.NotFoundHandler() } // api
func (s *Server) rootRoutes() http.Handler                    { return http.NotFoundHandler() } // api: clawhub.json; native: RFC
func (s *Server) ociRoutes() http.Handler                     { return http.NotFoundHandler() } // native
func (s *Server) staticRoutes() http.Handler                  { return http.NotFoundHandler() } // native
func (s *Server) ownerRoutes(pages http.Handler) http.Handler { return pages }                  // native
func (s *Server) opsRoutes() http.Handler                     { return http.NotFoundHandler() } // ops
