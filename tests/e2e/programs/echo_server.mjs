// Says back what its clients say, by Node's net. Argument: the path.
import net from 'node:net';

net.createServer({ allowHalfOpen: true }, (client) => client.pipe(client)).listen(process.argv[2]);
