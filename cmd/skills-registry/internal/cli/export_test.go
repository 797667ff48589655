package cli

// NewServer is what serves.
var NewServer = newServer
