"""Writes minilm_reference.json: what all-MiniLM-L6-v2 answers in double precision.

    python minilm_reference.py FOLDER > minilm_reference.json

FOLDER holds model.safetensors and tokenizer.json of sentence-transformers/all-MiniLM-L6-v2. Needs numpy and
tokenizers. The forward pass is written from the BERT paper, without any model library.

One case per text: `text`; `ids`, its tokens without special ones (base64 of little-endian u16); `windows`, ranges of
those tokens, planned here a second time from the rules in src/adapters/embeddings/minilm/windows.rs; `vectors`, one unit
vector per window (base64 of little-endian f16, 384 each).
"""

import base64
import json
import math
import struct
import sys

import numpy as np
from tokenizers import Tokenizer

WINDOW, OVERLAP, SEARCH = 160, 40, 20

QUESTIONS = """how do I reset my password
What is the rate limit of the search endpoint?
ingest stuck in parsing
Why does my upload fail with error 413?
can two tenants share one collection
how long are deleted documents kept
Where do I find the id of a run?
What happens to a running answer when the client disconnects?
list all environment variables
Is there a way to export every chat of last month as CSV?
difference between a role and a permission
who may delete a source?
does search support German umlauts
rotate api key without downtime
Which embedding model is used by default and how many dimensions has it?
how to cite a page of a PDF
why is my bill higher than last week
Explain the outbox pattern in two sentences.
timeout
403
postgres connection refused
How do I run the demo on a machine without a network?
Can the assistant answer in French if the documents are English?
what is a partial index good for
How can I see which documents were never cited?
does the API stream tokens
max file size
I deleted a document yesterday but its text is still quoted. What should I do?
set up single sign-on with an OpenID provider
Is my data used to train a model?
How do I write a good system prompt for support questions?
what is the meaning of state 'received'
backup and restore
hnsw ef_search recall
kubernetes readiness probe path
Do webhooks retry, and for how long?
latency p99
migrate from version 1 to 2""".split("\n")

PARAGRAPHS = """A document is parsed once for every version. The parser keeps headings, tables and code blocks, and it notes on \
which page each of them began, so that a citation can lead back to the exact place. When two versions share a passage, its \
vector is used again and no work is done twice.
Rate limits are counted per key and per tenant. A request over the limit is answered with status 429 and a header that tells \
after how many seconds to try again. Waiting clients should add some random delay, because otherwise all of them come back in \
the same second and the limit is hit once more.
The worker takes one job at a time from the queue and renews its lease while it works. If the process is killed, the lease ends \
and another worker begins the same job from its last finished step. Steps are therefore written so that doing them twice has \
the same effect as doing them once.
To restore a backup, stop the workers first, then load the dump into an empty database, run the migrations and start one worker. \
Compare the number of passages with the number in the report of the backup. Only then start the others and open the gate for \
users.
Bread dough rises faster in a warm kitchen, but the slow way in a cold room gives a better crust. Fold the dough three times in \
the first hour, let it rest over night, and bake it in a closed pot at 250 degrees.
The lighthouse stood on a rock that the sea covered twice a day. Its keeper wrote the weather into a book every evening: wind \
from the west, heavy swell, one sail on the horizon, nothing else to report.
An index on an expression is used only when the query contains the same expression. It is easy to create one on lower(email) and \
then to compare email itself; the planner reads the whole table and nobody notices until it has grown.
Invoices are created on the first day of the month in the currency of the contract. Usage is rounded to whole cents at the end, \
never per line, so that the sum of the lines may differ from the total by less than one cent.
A vaccine trains the immune system with a harmless part of the pathogen. Memory cells stay in the body for years and answer \
within days when the real one arrives.
Tokens of the access kind live for fifteen minutes. A refresh token may be used once; a second use of the same token closes the \
whole session, because it means that somebody else has a copy.
Set the log level with one variable. Levels are error, warn, info, debug and trace; a module can be given its own level, such as \
info for everything and debug for the queue. Logs are lines of JSON in production and coloured text on a terminal.
The quarterly report shows revenue growth of twelve percent, driven by subscriptions in northern Europe. Costs rose by four \
percent. The board proposes a dividend of 0.35 per share.
Photosynthesis turns light, water and carbon dioxide into sugar and oxygen. It happens in the chloroplasts, whose green \
pigment absorbs red and blue light best.
Before you open an issue, please search the closed ones. Tell us the version, the operating system, what you did, what you \
expected and what happened instead. A short example that fails is worth more than a long description.
Each passage carries the path of its headings: Guide > Installation > Linux > Troubleshooting. The path is searched together with \
the text, so that a question about Linux finds a passage in which the word itself does not occur.""".split("\n")

CODE = [
    "fn main() {\n    let total: u64 = (1..=10).filter(|n| n % 2 == 0).sum();\n    println!(\"{total}\");\n}",
    "SELECT c.id, count(*) AS n\nFROM chat c JOIN message m ON m.chat_id = c.id\nWHERE c.created_at > now() - interval '7 days'\n"
    "GROUP BY c.id HAVING count(*) > 10 ORDER BY n DESC LIMIT 20;",
    "def retry(call, attempts=5):\n    for attempt in range(attempts):\n        try:\n            return call()\n"
    "        except TimeoutError:\n            time.sleep(2 ** attempt + random.random())\n    raise RuntimeError('gave up')",
    "curl -sS -X POST https://api.example.test/v1/documents -H 'Authorization: Bearer pdm_1_2_3' -F file=@guide.pdf",
    "{\"error\":{\"code\":\"quota_exceeded\",\"limit\":1000,\"used\":1001,\"reset\":\"2026-01-01T00:00:00Z\"}}",
    "services:\n  api:\n    image: example/api:1.4.2\n    ports: [\"8080:8080\"]\n    environment:\n      LOG_LEVEL: info",
    "#!/bin/sh\nset -eu\nfor f in ./*.md; do\n  [ -e \"$f\" ] || continue\n  wc -w < \"$f\"\ndone",
    "interface Answer { text: string; citations: Array<{ passageId: string; quote?: string }> }",
    "<table><tr><th>Plan</th><th>Price</th></tr><tr><td>Team</td><td>$49</td></tr></table>",
    "thread 'main' panicked at src/lib.rs:42:17: index out of bounds: the len is 3 but the index is 7",
    "getUserByEmailAddressOrThrowNotFoundException(request.headers['x-user-email'])",
    "x = (-b ± sqrt(b*b - 4*a*c)) / (2*a)  // quadratic formula, a != 0",
    "127.0.0.1 - - [10/Oct/2025:13:55:36 +0200] \"GET /docs/index.html?page=2&sort=asc HTTP/1.1\" 200 2326",
]

UNICODE = [
    "Wie setze ich mein Passwort zurück? Die Übersicht zeigt außerdem Größe und Änderungsdatum.",
    "Où se trouve la page des paramètres ? L'élève a déjà reçu sa réponse, là-bas, à côté.",
    "¿Cómo puedo cancelar mi suscripción mañana por la mañana?",
    "Как сбросить пароль и где найти журнал событий?",
    "Πώς αλλάζω τη γλώσσα;",
    "パスワードを再設定する方法を教えてください。",
    "如何重置密码?文档在哪里可以找到?",
    "비밀번호를 어떻게 재설정하나요?",
    "كيف يمكنني إعادة تعيين كلمة المرور؟",
    "כיצד מאפסים סיסמה?",
    "मैं अपना पासवर्ड कैसे रीसेट करूँ?",
    "รีเซ็ตรหัสผ่านอย่างไร",
    "Deploy is green ✅ but latency went 📈 — thanks 🙏🏽 team 👨‍👩‍👧‍👦!",
    "🎉🎉🎉",
    "naïve café — “quoted” text… with ‘odd’ dashes – and\u00a0no-break\u00a0spaces",
    "ﬁne ligature, Ⅷ roman, ½ cup, x² and H₂O, ＡＢＣ full width, İstanbul, ẞ",
    "e\u0301 is two code points, é is one; zero\u200bwidth and soft\u00adhyphen",
    "tabs\tand\r\nline ends\x0band \x00 control \x07 signs",
    "Příliš žluťoučký kůň úpěl ďábelské ódy. Zażółć gęślą jaźń.",
]

EDGES = ["", " ", "\n\n\t", ".", "?!...;;--", "a", "[SEP] [CLS] inside text [MASK] [PAD] [UNK]", "0" * 99, "z" * 150, "1234567890 " * 20]

WHOLE = " ".join(PARAGRAPHS)
LONG = [
    " ".join(PARAGRAPHS[:4]),
    " ".join(PARAGRAPHS[4:10]),
    WHOLE,
    " ".join(QUESTIONS),
    "\n\n".join(CODE),
]
TEXTS = QUESTIONS + PARAGRAPHS + CODE + UNICODE + EDGES + LONG


def load(path):
    """Tensors of a safetensors file by name."""
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        first, last = entry["data_offsets"]
        flat = np.frombuffer(data[8 + size + first : 8 + size + last], np.float32)
        tensors[name] = flat.reshape(entry["shape"]).astype(np.float64)
    return tensors


def normed(x, weights, name):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
    return x * weights[name + ".weight"] + weights[name + ".bias"]


def embed(weights, ids):
    """Unit sentence vector of token ids, special ones included."""
    w = weights
    heads = lambda x: x.reshape(len(ids), 12, 32).transpose(1, 0, 2)
    erf = np.vectorize(math.erf, otypes=[np.float64])
    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = normed(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm")
    for layer in range(6):
        at = f"encoder.layer.{layer}."
        dense = lambda x, name: x @ w[at + name + ".weight"].T + w[at + name + ".bias"]
        q, k, v = [heads(dense(x, "attention.self." + n)) for n in ("query", "key", "value")]
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(32)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        mixed = mixed.transpose(1, 0, 2).reshape(len(ids), 384)
        x = normed(x + dense(mixed, "attention.output.dense"), w, at + "attention.output.LayerNorm")
        inner = dense(x, "intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / math.sqrt(2)))
        x = normed(x + dense(inner, "output.dense"), w, at + "output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def windows(encoding):
    """Ranges of tokens: the rules of windows.rs."""
    offsets, words = encoding.offsets, encoding.word_ids
    count = len(offsets)

    def quality(i):
        if i == 0 or offsets[i][0] > offsets[i - 1][1]:
            return 2
        return 1 if words[i] is None or words[i] != words[i - 1] else 0

    def cut(ideal):
        return max(range(ideal - SEARCH, ideal + 1), key=lambda i: (quality(i), i))

    planned, start = [], 0
    while count - start > WINDOW:
        left = count - start
        parts = math.ceil((left - OVERLAP) / (WINDOW - OVERLAP))
        end = cut(start + math.ceil((left + (parts - 1) * OVERLAP) / parts))
        planned.append([start, end])
        start = cut(end - OVERLAP)
    return planned + [[start, count]]


def main(folder):
    weights = load(folder + "/model.safetensors")
    tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    assert len(TEXTS) == 100, len(TEXTS)
    cases = []
    for text in TEXTS:
        encoding = tokenizer.encode(text, add_special_tokens=False)
        planned = windows(encoding)
        vectors = [embed(weights, [101, *encoding.ids[a:b], 102]) for a, b in planned]
        cases.append(
            {
                "text": text,
                "ids": base64.b64encode(np.array(encoding.ids, "<u2").tobytes()).decode(),
                "windows": planned,
                "vectors": base64.b64encode(np.array(vectors, "<f2").tobytes()).decode(),
            }
        )
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    sys.stdout.write("[\n" + lines + "\n]\n")


if __name__ == "__main__":
    main(sys.argv[1])
