import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';
import { listen } from './listen.ts';

/** What becomes of a command: nothing said, it goes on as it is; `send` goes in its place; `refuse` is answered for the server. */
export type Treatment =
  | undefined
  | { readonly refuse: { readonly code: number; readonly errmsg: string } }
  | { readonly send: Document };

export interface RefusingProxyOptions {
  readonly treat?: (command: Document) => Treatment;
  /** What the server answers is changed in place. */
  readonly change?: (reply: Document) => void;
}

export interface RefusingProxy extends AsyncDisposable {
  readonly port: number;
  readonly uri: string;
}

const OP_MSG = 2013;
const HEADER_BYTES = 16;
const CHECKSUM_PRESENT = 1;

/** A proxy in front of a mongod that makes another server of it: one that lacks something, or has another clock. */
export async function startRefusingProxy(
  targetPort: number,
  { treat = () => undefined, change }: RefusingProxyOptions,
): Promise<RefusingProxy> {
  const open = new Set<Socket>();
  const proxy = createServer((client) => {
    const server = connect(targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(socket);
      const close = () => {
        open.delete(socket);
        other.destroy();
      };
      socket.setNoDelay().on('error', close).on('close', close);
    }
    eachMessage(client, (message) => {
      const command = isOpMsg(message) ? commandOf(message) : undefined;
      const treatment = command && treat(command);
      if (!treatment) server.write(message);
      else if ('send' in treatment) server.write(messageOf(treatment.send, message.readInt32LE(4), 0));
      else client.write(messageOf({ ok: 0, ...treatment.refuse }, 0, message.readInt32LE(4)));
    });
    eachMessage(server, (message) => {
      if (!client.writable) return;
      if (!change || !isOpMsg(message)) return void client.write(message);
      const reply = commandOf(message);
      change(reply);
      // The flags say whether more answers to the same request follow.
      const flags = message.readUInt32LE(HEADER_BYTES) & ~CHECKSUM_PRESENT;
      client.write(messageOf(reply, message.readInt32LE(4), message.readInt32LE(8), flags));
    });
  });
  const { port } = await listen(proxy);
  return {
    port,
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true`,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

const isOpMsg = (message: Buffer) => message.readInt32LE(12) === OP_MSG;

/** A command is a document, and lists of documents that belong into it. */
function commandOf(message: Buffer): Document {
  let command: Document = {};
  const lists: Document = {};
  const end = message.length - (message.readUInt32LE(HEADER_BYTES) & CHECKSUM_PRESENT ? 4 : 0);
  for (let at = HEADER_BYTES + 4; at < end; ) {
    const kind = message[at++];
    const size = message.readInt32LE(at);
    if (kind === 0) command = documentAt(message, at);
    else {
      const nameEnd = message.indexOf(0, at + 4);
      const documents: Document[] = [];
      for (let from = nameEnd + 1; from < at + size; from += message.readInt32LE(from))
        documents.push(documentAt(message, from));
      lists[message.toString('utf8', at + 4, nameEnd)] = documents;
    }
    at += size;
  }
  return { ...command, ...lists };
}

const documentAt = (message: Buffer, at: number) =>
  BSON.deserialize(message.subarray(at, at + message.readInt32LE(at)), { promoteLongs: false });

function messageOf(document: Document, id: number, to: number, flags = 0): Buffer {
  const body = BSON.serialize(document, { ignoreUndefined: true });
  const head = Buffer.alloc(HEADER_BYTES + 5);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(id, 4);
  head.writeInt32LE(to, 8);
  head.writeInt32LE(OP_MSG, 12);
  head.writeUInt32LE(flags, HEADER_BYTES);
  return Buffer.concat([head, body]);
}

/** Whole messages only: each begins with its length, and TCP cuts them where it likes. */
function eachMessage(from: Socket, take: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES && rest.length >= rest.readInt32LE(0)) {
      const length = rest.readInt32LE(0);
      take(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  });
}
