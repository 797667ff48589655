package credential

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zalando/go-keyring"
)

const (
	keyringName = "skills" // of the service; the account is the origin
	keyringTime = time.Minute
)

var (
	errKeyringOff  = errors.New("it is switched off")
	errKeyringGone = errors.New("it has no token for it any more")
)

// inTime asks the keyring, which may wait for a person to unlock it, and cannot be
// told to stop: what takes too long is left behind.
func (s *Store) inTime(ctx context.Context, ask func() error) error {
	if s.NoKeyring {
		return errKeyringOff
	}
	if err := keyringReachable(s.getenv); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil { // of a library that talks to who knows what
				done <- fmt.Errorf("it broke: %v", v)
			}
		}()
		done <- ask()
	}()
	timed, cancel := context.WithTimeout(ctx, keyringTime)
	defer cancel()
	select {
	case err := <-done:
		return err
	case <-timed.Done():
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("it did not answer in %v", keyringTime)
	}
}

func (s *Store) fromKeyring(ctx context.Context, origin string) (string, error) {
	got := make(chan string, 1)
	err := s.inTime(ctx, func() error {
		token, err := keyring.Get(keyringName, origin)
		got <- token
		return err
	})
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return "", errKeyringGone
	case err != nil:
		return "", err
	}
	return <-got, nil
}

func (s *Store) intoKeyring(ctx context.Context, origin, token string) error {
	return s.inTime(ctx, func() error { return keyring.Set(keyringName, origin, token) })
}

func (s *Store) outOfKeyring(ctx context.Context, origin string) error {
	err := s.inTime(ctx, func() error { return keyring.Delete(keyringName, origin) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil // which is what was wanted
	}
	return err
}
