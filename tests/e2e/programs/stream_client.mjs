// The conversation of test_interop_clients.py over a byte pipe, by Node's net. Argument: the path.
import net from 'node:net';
import readline from 'node:readline';

const pipe = net.connect({ path: process.argv[2], allowHalfOpen: true });
pipe.on('error', (error) => {
  console.log(`error ${error.code}`);
  process.exit(1);
});
pipe.write('hello\n');
let lines = 0;
let bytes = 0;
readline.createInterface({ input: pipe }).on('line', (line) => {
  lines += 1;
  bytes += line.length + 1;
  if (lines <= 2) console.log(`heard ${line}`);
  if (lines === 2) {
    pipe.write(`${'x'.repeat(1 << 20)}\n`);
    for (let number = 0; number < 100; number++) pipe.write(`line ${number}\n`);
    pipe.end();
  }
});
pipe.on('end', () => console.log(`end after ${lines} lines, ${bytes} bytes`));
