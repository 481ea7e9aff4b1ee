// Says back what its clients say, by Go's net. Argument: the path.
package main

import (
	"io"
	"net"
	"os"
)

func main() {
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			io.Copy(client, client)
			client.Close()
		}()
	}
}
