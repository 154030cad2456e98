import { once } from 'node:events';
import { connect } from 'node:net';
import { BSON } from 'mongodb';
import type { Doc } from './evaluate.ts';

const OP_MSG = 2013;

/** A `RawConnection` sends commands to a mongod as they are. A driver would put a session and numbers of its own into them. */
export interface RawConnection extends Disposable {
  /** The reply, whatever it says: an error is one with `ok: 0`. */
  send(command: Doc): Promise<Doc>;
}

/** Opens a connection to a mongod of this machine. Its commands are answered one after the other. */
export async function openRawConnection(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const waiting: ((reply: Doc) => void)[] = [];
  let received = Buffer.alloc(0);
  socket.on('data', (data) => {
    received = Buffer.concat([received, data]);
    while (received.length >= 4 && received.length >= received.readInt32LE(0)) {
      const length = received.readInt32LE(0);
      // After the header come four bytes of flags, and one for the kind of the only section.
      waiting.shift()?.(BSON.deserialize(received.subarray(21, length)));
      received = received.subarray(length);
    }
  });
  return {
    send(command) {
      const body = Buffer.concat([Buffer.alloc(5), BSON.serialize(command)]);
      const header = Buffer.alloc(16);
      header.writeInt32LE(16 + body.length, 0);
      header.writeInt32LE(OP_MSG, 12);
      socket.write(Buffer.concat([header, body]));
      return new Promise((resolve) => waiting.push(resolve));
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}
