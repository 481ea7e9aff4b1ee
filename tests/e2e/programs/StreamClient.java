// The conversation of test_interop_clients.py over a byte pipe, by Java's SocketChannel. Argument: the path.
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

public class StreamClient {
  static void write(SocketChannel pipe, String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      pipe.write(bytes);
    }
  }

  static void say(SocketChannel pipe) {
    try {
      write(pipe, "x".repeat(1 << 20) + "\n");
      for (int number = 0; number < 100; number++) {
        write(pipe, "line " + number + "\n");
      }
      pipe.shutdownOutput();
    } catch (IOException error) {
      throw new RuntimeException(error);
    }
  }

  public static void main(String[] arguments) throws Exception {
    try (SocketChannel pipe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      pipe.connect(UnixDomainSocketAddress.of(arguments[0]));
      write(pipe, "hello\n");
      BufferedReader reader =
          new BufferedReader(new InputStreamReader(Channels.newInputStream(pipe), StandardCharsets.UTF_8));
      int lines = 0;
      long bytes = 0;
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines++;
        bytes += line.length() + 1;
        if (lines <= 2) {
          System.out.println("heard " + line);
        }
        if (lines == 2) {
          new Thread(() -> say(pipe)).start();
        }
      }
      System.out.println("end after " + lines + " lines, " + bytes + " bytes");
    }
  }
}
