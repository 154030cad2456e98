if (process.argv[2] === 'crash') throw new Error('crashed on purpose');

process.on('message', (message: object) => {
  process.send?.({ ...message, greeting: process.env.GREETING, pid: process.pid });
});
process.send?.('ready');
