package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// DockerCredentials returns a function for Options.Credential that reads them
// where docker, podman and oras keep theirs: in a config.json, which is read each
// time that it is asked, and need not be there.
//
// A helper program that the file names is run only for a registry that the user
// set up for it: one that has a line of its own under credHelpers, or one under
// auths, which is what a login leaves, where credsStore names the helper.
func DockerCredentials(file string) func(ctx context.Context, host string) (Credential, error) {
	return func(ctx context.Context, host string) (Credential, error) {
		if file == "" {
			return Credential{}, nil
		}
		address := credentials.ServerAddressFromHostname(host)
		helper, err := helperFor(file, address)
		if err != nil {
			return Credential{}, err
		}
		var found auth.Credential
		if helper != "" {
			if found, err = credentials.NewNativeStore(helper).Get(ctx, address); err != nil {
				return Credential{}, fmt.Errorf("run docker-credential-%s: %w", helper, err)
			}
		} else {
			store, err := credentials.NewFileStore(file)
			if err != nil {
				return Credential{}, fmt.Errorf("read %s: %w", file, err)
			}
			if found, err = store.Get(ctx, address); err != nil {
				return Credential{}, fmt.Errorf("read %s: %w", file, err)
			}
		}
		return Credential{Username: found.Username, Password: found.Password, IdentityToken: found.RefreshToken}, nil
	}
}

// helperFor returns the end of the name of the program to ask, or "".
func helperFor(file, address string) (string, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var config struct {
		Auths       map[string]json.RawMessage `json:"auths"`
		CredsStore  string                     `json:"credsStore"`
		CredHelpers map[string]string          `json:"credHelpers"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return "", fmt.Errorf("read %s: it is not the JSON of docker's settings", file)
	}
	helper := config.CredHelpers[address]
	if helper == "" && config.CredsStore != "" {
		for logged := range config.Auths {
			if logged == address || hostOf(logged) == address {
				helper = config.CredsStore
			}
		}
	}
	if strings.ContainsFunc(helper, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return "", fmt.Errorf("read %s: %s is not the name of a helper", file, quote(helper))
	}
	return helper, nil
}

// hostOf returns the host of an address as older versions of docker wrote them.
func hostOf(address string) string {
	address = strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://")
	host, _, _ := strings.Cut(address, "/")
	return host
}
