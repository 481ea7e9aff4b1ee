// Says back what its clients say, by Java's SocketChannel. Argument: the path.
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

public class EchoServer {
  static void serve(SocketChannel client) {
    ByteBuffer bytes = ByteBuffer.allocate(1 << 16);
    try (client) {
      while (client.read(bytes) >= 0) {
        bytes.flip();
        while (bytes.hasRemaining()) {
          client.write(bytes);
        }
        bytes.clear();
      }
    } catch (java.io.IOException error) {
      System.err.println(error);
    }
  }

  public static void main(String[] arguments) throws Exception {
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(arguments[0]));
    while (true) {
      SocketChannel client = server.accept();
      new Thread(() -> serve(client)).start();
    }
  }
}
