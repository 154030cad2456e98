import { startShopServer } from './shop-server.ts';

const { port, payments } = await startShopServer();
process.on('message', (question) => {
  if (question === 'newDay') payments.length = 0;
  process.send?.(payments);
});
process.send?.('ready');
process.send?.(port);
