//go:build !windows && !darwin

package credential

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// keyringReachable says whether there is a session bus to find a keyring on.
// Without one, the library would start a program to make one.
func keyringReachable(getenv func(string) string) error {
	if address := getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" && address != "autolaunch:" {
		return nil
	}
	if _, err := os.Stat(filepath.Join("/run/user", strconv.Itoa(os.Getuid()), "bus")); err == nil {
		return nil
	}
	return errors.New("there is no session bus")
}
