// The conversation of test_interop_clients.py over a byte pipe, by Go's net. Argument: the path.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
)

func say(pipe *net.UnixConn) {
	fmt.Fprintf(pipe, "%s\n", strings.Repeat("x", 1<<20))
	for number := 0; number < 100; number++ {
		fmt.Fprintf(pipe, "line %d\n", number)
	}
	pipe.CloseWrite()
}

func main() {
	pipe, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: os.Args[1], Net: "unix"})
	if err != nil {
		panic(err)
	}
	fmt.Fprint(pipe, "hello\n")
	reader := bufio.NewReader(pipe)
	lines, bytes := 0, 0
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			fmt.Printf("end after %d lines, %d bytes\n", lines, bytes)
			return
		}
		lines++
		bytes += len(line)
		if lines <= 2 {
			fmt.Print("heard ", line)
		}
		if lines == 2 {
			go say(pipe)
		}
	}
}
