// The conversation of test_interop_clients.py over a message pipe, by Go's "unixpacket". Argument: the path.
package main

import (
	"fmt"
	"net"
	"os"
	"strings"
)

func main() {
	pipe, err := net.Dial("unixpacket", os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, message := range []string{"one", "", strings.Repeat("x", 60000)} {
		if _, err := pipe.Write([]byte(message)); err != nil {
			panic(err)
		}
	}
	buffer := make([]byte, 1<<16)
	for count := 0; count < 3; count++ {
		size, err := pipe.Read(buffer)
		if err != nil {
			fmt.Println("error", err)
		} else {
			fmt.Println("heard", size, string(buffer[:min(size, 20)]))
		}
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}
