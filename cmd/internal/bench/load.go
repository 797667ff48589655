package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A load is what a server did while it was asked all the time.
type load struct {
	perSecond float64
	p99       float64 // milliseconds
}

// A get asks for an address and reads the answer.
type get func(address string) error

// getter returns a get on connections that are kept, and how to end them.
func getter(ctx context.Context) (get, func()) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: askers, DisableCompression: true}}
	return func(address string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", address, resp.Status)
		}
		return err
	}, client.CloseIdleConnections
}

// ask asks for addresses in turn, by several at once, for some time, after each was
// asked for once.
func ask(ctx context.Context, addresses []string) (load, error) {
	get, end := getter(ctx)
	defer end()
	for _, address := range addresses {
		if err := get(address); err != nil {
			return load{}, err
		}
	}
	return hammer(get, askers, func(n int) string { return addresses[n%len(addresses)] })
}

// askAnew asks for addresses none of which was asked for before, as many at once as
// there are processors.
func askAnew(ctx context.Context, at int, address func(n int) string) (load, error) {
	get, end := getter(ctx)
	defer end()
	if err := get(address(0)); err != nil { // connections, and what is read at the start
		return load{}, err
	}
	return hammer(get, at, func(n int) string { return address(n + 1) })
}

// hammer asks for what next gives, by so many at once, for askFor.
func hammer(get get, at int, next func(n int) string) (load, error) {
	var wg sync.WaitGroup
	took := make([][]time.Duration, at)
	errs := make([]error, at)
	began := time.Now()
	for i := range at {
		wg.Go(func() {
			for n := i; time.Since(began) < askFor && errs[i] == nil; n += at {
				address := next(n)
				start := time.Now()
				errs[i] = get(address)
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	seconds := time.Since(began).Seconds()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	return load{float64(len(all)) / seconds, float64(all[len(all)*99/100].Microseconds()) / 1000}, errors.Join(errs...)
}
