// Forked: an issuer whose tokens are all the same.
import { createServer } from 'node:http';

const token = JSON.stringify({ access_token: 'a-token', token_type: 'Bearer', expires_in: 3600 });
const server = createServer((request, response) => {
  request.resume();
  response.setHeader('content-type', 'application/json');
  response.end(token);
});
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
