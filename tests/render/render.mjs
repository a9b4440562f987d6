// Shows answers in a real browser as clients would: two usual Markdown renderers with HTML on and nothing cleaned, and the
// citations beside the text. The task comes as JSON on standard input; what stood in the pages goes to standard output.

import MarkdownIt from 'markdown-it';
import { marked } from 'marked';
import puppeteer from 'puppeteer-core';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const task = JSON.parse(Buffer.concat(chunks).toString());

const linked = new MarkdownIt({ html: true, linkify: true });
const renderers = {
  marked: (text) => marked.parse(text, { gfm: true }),
  'markdown-it': (text) => linked.render(text),
};

const browser = await puppeteer.launch({
  executablePath: task.chromium,
  // Without a sandbox, since tests may run as root in a container; nothing but our own pages is opened.
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});

/** What stands in the page beside what Markdown alone makes. */
const inspect = (page, allowed) => page.evaluate((own) => {
  const known = new Set(('P BR H1 H2 H3 H4 H5 H6 UL OL LI BLOCKQUOTE PRE CODE EM STRONG DEL S HR TABLE THEAD TBODY TR TH TD '
    + 'A INPUT HTML HEAD BODY SECTION').split(' '));
  const faults = [];
  for (const element of document.querySelectorAll('*')) {
    if (!known.has(element.tagName)) faults.push(element.tagName);
    // What a client makes of an address without a scheme leads nowhere by itself.
    if (element.tagName === 'A' && !element.href.startsWith(own)) faults.push(element.href);
    for (const { name } of element.attributes) {
      if (!['href', 'class', 'align', 'style', 'start', 'type', 'disabled', 'checked', 'title'].includes(name)) faults.push(name);
    }
  }
  return faults;
}, allowed);

/** The citations, as text: what documents say of themselves is no Markdown. */
const cite = (page, citations) => page.evaluate((list) => {
  const section = document.createElement('section');
  for (const citation of list) {
    const link = document.createElement('a');
    if (citation.url) link.href = citation.url;
    link.textContent = [citation.document_title, ...citation.heading_path].join(' > ');
    const quote = document.createElement('p');
    quote.textContent = citation.quote;
    section.append(link, quote);
  }
  document.body.append(section);
}, citations);

const seen = { shown: 0, faults: [] };
try {
  for (const [name, render] of Object.entries(renderers)) {
    for (const answer of task.answers) {
      // A page of its own for each: one that leads away must not take the next with it.
      const page = await browser.newPage();
      await page.setContent(render(answer.content), { waitUntil: 'load', timeout: 10_000 }).catch(() => {});
      const faults = await cite(page, answer.citations)
        .then(() => inspect(page, task.allowed))
        .catch((error) => [String(error)]);
      if (faults.length > 0) seen.faults.push({ name, faults, content: answer.content });
      seen.shown += 1;
      await page.close();
    }
  }
  console.log(JSON.stringify(seen));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
