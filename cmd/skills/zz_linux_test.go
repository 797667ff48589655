package main_test

import "testing"

func testTwice(*testing.T, string)         {}
func testNoExchange(*testing.T, string)    {}
func testMany(*testing.T, string)          {}
func testKilledHolder(*testing.T, string)  {}
func testDiskFull(*testing.T, string)      {}
func testFileSizeLimit(*testing.T, string) {}
func testHome(*testing.T, string)          {}
func testProcess(*testing.T, string)       {}
func testNotOurs(*testing.T, string)       {}
func testEdited(*testing.T, string)        {}
func testRemoveInside(*testing.T, string)  {}
func testBrokenLock(*testing.T, string)    {}
func testPlanted(*testing.T, string)       {}
func testInterrupt(*testing.T, string)     {}
