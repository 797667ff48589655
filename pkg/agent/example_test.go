package agent_test

import (
	"errors"
	"fmt"

	"github.com/openskills-go/skills/pkg/agent"
)

func ExampleTable_Find() {
	var agents agent.Table // the built-in ones
	found, err := agents.Find("Copilot")
	fmt.Println(found.ID, found.Project, err)

	_, err = agents.Find("windsrf")
	if unknown, ok := errors.AsType[*agent.UnknownError](err); ok {
		fmt.Println(err, unknown.Suggestions)
	}
	// Output:
	// github-copilot .agents/skills <nil>
	// unknown agent "windsrf" [windsurf]
}
