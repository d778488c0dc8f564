// The certified provider of npm on a free port of this machine, as tests want it.
//
//     node oidc.mjs FOLDER_OF_NODE_MODULES
//
// It prints its issuer, and then does what POST /control says: {"clients": […], "users": {…}, "ttl": {…}} replace
// what there is; {"rotate": "both" | "new"} makes a new key, and publishes the old one too, or not; {"end": "sub"}
// tells every client by its back channel that somebody has been signed out. It ends when standard input does.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const own = (file) => import(pathToFileURL(join(process.argv[2], 'node_modules/oidc-provider/lib', file)));
const { default: Provider } = await own('index.js');
const { default: MemoryAdapter } = await own('adapters/memory_adapter.js');

const PASSWORD = 'open sesame';
const BACK_CHANNEL_MILLISECONDS = 30000;
const store = new Map();
const cookieKeys = [randomBytes(24).toString('hex')];
const state = { clients: [], users: {}, ttl: {}, keys: [newKey()] };
let provider;
let answer;
let issuer;

process.stdin.on('end', () => process.exit(0)).resume();

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') };
}

/** Sessions and codes outlive a change of keys or clients. */
function adapter(name) {
  return new MemoryAdapter(name, store);
}

function build() {
  provider = new Provider(issuer, {
    adapter,
    clients: state.clients,
    jwks: { keys: state.keys },
    cookies: { keys: cookieKeys },
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    conformIdTokenClaims: false,
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, ...state.ttl },
    fetch: (url, { dispatcher, signal, ...options }) => (
      fetch(url, { ...options, signal: AbortSignal.timeout(BACK_CHANNEL_MILLISECONDS) })),
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = page('Sign out?', `${form}<button id="sign-out" form="op.logoutForm" name="logout" value="yes">`
            + 'Sign out</button>');
        },
        postLogoutSuccessSource: (ctx) => { ctx.body = page('Signed out', ''); },
      },
    },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, id) => state.users[id] && ({ accountId: id, claims: () => ({ ...state.users[id], sub: id }) }),
    loadExistingGrant: grantAll,
    renderError: (ctx, out) => { ctx.type = 'html'; ctx.body = page('Error', `<pre>${out.error}: ${out.error_description}</pre>`); },
  });
  provider.on('backchannel.error', (ctx, error) => console.error(`back channel: ${error.message}`));
  provider.on('server_error', (ctx, error) => console.error(error));
  answer = provider.callback();
}

/** Our own client asks for nothing that a person would have to agree to. */
async function grantAll(ctx) {
  const { client, session } = ctx.oidc;
  const known = session.grantIdFor(client.clientId);
  const found = known && await provider.Grant.find(known);
  if (found) return found;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope('openid profile email groups');
  await grant.save();
  return grant;
}

function page(title, content) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">`
    + `<link rel="icon" href="data:,"><title>${title}</title><h1>${title}</h1>${content}</html>`;
}

function read(request) {
  return new Promise((resolve, reject) => {
    let text = '';
    request.on('data', (chunk) => { text += chunk; }).on('end', () => resolve(text)).on('error', reject);
  });
}

async function interact(request, response) {
  const { uid } = await provider.interactionDetails(request, response);
  if (request.method === 'POST') {
    const form = new URLSearchParams(await read(request));
    if (state.users[form.get('login')] && form.get('password') === PASSWORD) {
      await provider.interactionFinished(request, response, { login: { accountId: form.get('login') } });
      return;
    }
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(page('Sign in', `<form method="post" action="/interaction/${uid}"><input name="login" id="login">`
    + '<input name="password" id="password" type="password"><button id="sign-in">Sign in</button></form>'));
}

async function control(request, response) {
  const { rotate, end, ...replaced } = JSON.parse(await read(request));
  Object.assign(state, replaced);
  if (rotate) state.keys = rotate === 'both' ? [newKey(), ...state.keys] : [newKey()];
  build();
  if (end) await endSessionsOf(end);
  response.end('{}');
}

async function endSessionsOf(accountId) {
  const sessions = [...store].filter(([key, one]) => key.startsWith('Session:') && one.accountId === accountId);
  for (const [key, session] of sessions) {
    store.delete(key);
    for (const [clientId, { sid }] of Object.entries(session.authorizations ?? {})) {
      const client = await provider.Client.find(clientId);
      if (client?.backchannelLogoutUri) await client.backchannelLogout(accountId, sid);
    }
  }
}

const server = createServer(async (request, response) => {
  try {
    if (request.url === '/control') await control(request, response);
    else if (request.url.startsWith('/interaction/')) await interact(request, response);
    else await answer(request, response);
  } catch (error) {
    console.error(error);
    response.statusCode = 500;
    response.end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => {
  // A name of its own, because cookies are shared by all ports of a host.
  issuer = `http://localhost:${server.address().port}`;
  build();
  console.log(issuer);
});
