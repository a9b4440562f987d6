// An OpenID Connect issuer for the tests: oidc-provider with accounts, a plain form for the login, and clients that each
// test registers for itself. It prints its address, and ends when standard input does.

import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const PASSWORD = 'Correct-horse-1';

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
process.stdin.on('close', () => process.exit(0));

const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const address = `http://localhost:${server.address().port}`;

const provider = new Provider(address, {
  // Any name is an account; the subject is not the address, as with issuers in the world.
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: `Person ${id}` }),
  }),
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  conformIdTokenClaims: false,
  scopes: ['openid', 'email', 'profile'],
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (context, form) => {
        context.body = page('Log out', `${form}<button form="op.logoutForm" name="logout" value="yes">Log out</button>`);
      },
    },
    // Access tokens that are JWTs, as an API can verify them by itself.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:pidima:test',
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'openid email profile',
        audience: 'urn:pidima:test',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
      }),
    },
  },
  clientBasedCORS: () => true,
  cookies: { keys: ['the tests have no secrets'] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Grant: 600, Interaction: 600, Session: 600 },
});

const escape = (text) => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

const page = (title, body) => `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`;

const form = (uid, fault) => page('Sign in', `<p>${escape(fault)}</p>
<form method="post" action="/interaction/${escape(uid)}">
<input name="login" required><input name="password" type="password" required><button name="go">Sign in</button>
</form>`);

async function read(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return new URLSearchParams(text);
}

/** Consents to what was asked: the tests are about the login. */
async function consent(details) {
  const { grantId, params, prompt, session } = details;
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (prompt.details.missingOIDCScope) grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '));
  if (prompt.details.missingOIDCClaims) grant.addOIDCClaims(prompt.details.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return { consent: { grantId: await grant.save() } };
}

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  if (details.prompt.name === 'consent') {
    return provider.interactionFinished(request, response, await consent(details), { mergeWithLastSubmission: true });
  }
  let fault = '';
  if (request.method === 'POST') {
    const sent = await read(request);
    if (sent.has('refuse')) {
      return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'refused' });
    }
    if (sent.get('password') === PASSWORD) {
      return provider.interactionFinished(request, response, { login: { accountId: sent.get('login') } });
    }
    fault = 'Name or password is wrong.';
  }
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(form(details.uid, fault));
}

const handle = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return handle(request, response);
  interact(request, response).catch((error) => response.writeHead(400).end(String(error)));
});

console.log(JSON.stringify({ issuer: address }));
