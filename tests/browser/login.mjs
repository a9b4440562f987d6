// Logs in with a real browser: by the cookie, by Swagger's "Authorize" with PKCE, and out again. What it is to do comes as
// JSON in the one argument; what it saw goes to standard output as JSON. It fails with the first thing that is not there.

import puppeteer from 'puppeteer-core';

const task = JSON.parse(process.argv[2]);
const seen = { errors: [] };

const browser = await puppeteer.launch({
  executablePath: task.chromium,
  // Without a sandbox, since tests may run as root in a container; nothing but our own pages is opened.
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});

/** Fills in the form of the issuer. */
async function signIn(page) {
  await page.waitForSelector('input[type=password]');
  await page.type('input[name=login], input[name=username]', task.name);
  await page.type('input[type=password]', task.password);
  await page.click('button');
}

async function watched() {
  const page = await browser.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') seen.errors.push(`${message.text()} ${message.location()?.url ?? ''}`);
  });
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  return page;
}

const me = (page) => page.evaluate(async () => {
  const reply = await fetch('/v1/me');
  return { status: reply.status, body: await reply.json() };
});

/** Opens get_me, presses "Execute", and gives the status that Swagger shows. */
async function tryGetMe(page) {
  const operation = '#operations-Identity-get_me';
  await page.waitForSelector(operation, { timeout: 60_000 });
  if (!(await page.$(`${operation} .execute`))) await page.click(`${operation} .opblock-summary-control`);
  await page.waitForSelector(`${operation} .execute`);
  const replied = page.waitForResponse((reply) => new URL(reply.url()).pathname === '/v1/me');
  await page.click(`${operation} .execute`);
  const reply = await replied;
  await page.waitForSelector(`${operation} .live-responses-table .response-col_status`);
  const shown = await page.$eval(
    `${operation} .live-responses-table tbody .response-col_status`, (cell) => cell.textContent.trim());
  return { shown, status: reply.status(), body: await reply.json(), sent: Object.keys(reply.request().headers()) };
}

async function authorize(page) {
  await page.waitForSelector('.auth-wrapper .authorize', { timeout: 60_000 });
  await page.click('.auth-wrapper .authorize');
  await page.waitForSelector('.auth-container');
  const asked = new Promise((done) => browser.once('targetcreated', done));
  const clicked = await page.evaluate(() => {
    // The issuer may lead on before its first address can be read.
    const open = window.open;
    window.open = (url, ...rest) => {
      window.openedByTest = String(url);
      return open.call(window, url, ...rest);
    };
    for (const container of document.querySelectorAll('.auth-container')) {
      if (!container.textContent.includes('OAuth2, authorizationCode')) continue;
      for (const box of container.querySelectorAll('.scopes input[type=checkbox]')) if (!box.checked) box.click();
      const button = container.querySelector('button.authorize');
      button?.click();
      return Boolean(button);
    }
    return false;
  });
  if (!clicked) throw new Error('Swagger offers no login');
  const window = await (await asked).page();
  seen.authorizationUrl = await page.evaluate(() => window.openedByTest);
  const closed = new Promise((done) => window.once('close', done));
  await signIn(window);
  await closed;
  await page.waitForFunction(() => [...document.querySelectorAll('.auth-container')]
    .some((it) => it.textContent.includes('OAuth2, authorizationCode') && it.textContent.includes('Logout')));
  await page.click('.auth-btn-wrapper .btn-done');
}

try {
  const page = await watched();
  if (task.flow === 'cookie') {
    await page.goto(`${task.address}/login?return_to=/docs`);
    seen.loginPage = await page.$eval('h1', (it) => it.textContent);
    await Promise.all([page.waitForNavigation(), page.click(`a[href^="/login/${task.provider}"]`)]);
    await signIn(page);
    await page.waitForFunction(() => window.location.pathname === '/docs', { timeout: 60_000 });
    seen.cookies = await browser.cookies();
    seen.scriptSees = await page.evaluate(() => document.cookie);
    seen.me = await me(page);
    seen.swagger = await tryGetMe(page);
    await page.goto(`${task.address}/logout`);
    seen.logoutPage = await page.$eval('main', (it) => it.textContent);
    await Promise.all([page.waitForNavigation(), page.click('form[action="/logout"] button')]);
    if (new URL(page.url()).origin !== task.address) {
      seen.issuerLogout = page.url();
      const button = await page.$('button[name=logout]');
      if (button) await Promise.all([page.waitForNavigation(), button.click()]);
    }
    seen.afterLogout = page.url();
    await page.goto(`${task.address}/docs`);
    seen.meAfter = await page.evaluate(async () => (await fetch('/v1/me')).status);
    seen.cookiesAfter = await browser.cookies();
  } else {
    await page.goto(`${task.address}/docs`);
    await authorize(page);
    seen.swagger = await tryGetMe(page);
  }
  console.log(JSON.stringify(seen));
} catch (error) {
  console.error(error, JSON.stringify(seen));
  process.exitCode = 1;
} finally {
  await browser.close();
}
