#!/usr/bin/env python3
"""What a month costs: idle, small and large. Prints a table in Markdown; the README holds the same one.

`--prices` prints the prices behind it.

The prices are list prices of us-east-1 in US dollars, without free tiers, discounts and taxes, noted on PRICES_OF. They
were not fetched from AWS: "page" names the stored copy of a public page that was read, and "list" a price known from
AWS's list that nobody looked up for this table. Look at the bill before you trust a total, and at
`aws_budgets_budget` for what tells you when it was wrong.
"""

import sys
from dataclasses import dataclass

PRICES_OF = "2026-11-26"
HOURS = 730
MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    usd: float
    unit: str
    source: str


PRICES = {
    "fargate vcpu": Price(0.03238, "vCPU-hour, ARM", "page: vantage.sh/blog/fargate-pricing"),
    "fargate memory": Price(0.00356, "GB-hour, ARM", "page: vantage.sh/blog/fargate-pricing"),
    "acu": Price(0.12, "ACU-hour", "page: usage.ai, c3x.dev on Aurora Serverless v2 (2026)"),
    "aurora storage": Price(0.10, "GB-month", "page: awsnegotiations.com, May 2026"),
    "aurora io": Price(0.20, "million reads and writes", "list"),
    "aurora backup": Price(0.021, "GB-month beyond the size of the cluster", "list"),
    "valkey micro": Price(0.0128, "node-hour, cache.t4g.micro", "list"),
    "valkey small": Price(0.0256, "node-hour, cache.t4g.small", "list"),
    "nat": Price(0.045, "gateway-hour", "page: eazysaas.com, February 2026"),
    "nat traffic": Price(0.045, "GB", "page: eazysaas.com, February 2026"),
    "address": Price(0.005, "hour of a public IPv4 address", "list"),
    "endpoint": Price(0.01, "endpoint-hour in a zone", "page: eazysaas.com, February 2026"),
    "balancer": Price(0.0225, "load balancer-hour", "list"),
    "lcu": Price(0.008, "LCU-hour", "list"),
    "gateway": Price(3.50, "million requests, or started 10 MB of a stream", "page: AWS whitepaper on private integration"),
    "traffic out": Price(0.09, "GB", "list"),
    "firewall": Price(5.00, "web ACL a month", "list"),
    "firewall rule": Price(1.00, "rule or group a month", "list"),
    "firewall requests": Price(0.60, "million requests", "list"),
    "person": Price(0.015, "person a month beyond 10000, Cognito Essentials", "list"),
    "queue": Price(0.40, "million requests", "list"),
    "objects": Price(0.023, "GB-month", "list"),
    "secret": Price(0.40, "secret a month", "list"),
    "key": Price(1.00, "key a month", "list"),
    "log": Price(0.50, "GB taken in", "list"),
    "log kept": Price(0.03, "GB-month", "list"),
    "alarm": Price(0.10, "metric of an alarm a month", "list"),
    "composite": Price(0.50, "composite alarm a month", "list"),
    "metric": Price(0.30, "metric of one's own a month", "list"),
    "dashboard": Price(3.00, "dashboard a month", "list"),
    "insights": Price(0.07, "metric of Container Insights a month", "list"),
    "trace": Price(5.00, "million traces", "list"),
    "backup": Price(0.05, "GB-month of AWS Backup, each copy", "list"),
    # The profile of a group of regions costs a tenth more than the global one.
    "model in": Price(3.30, "million tokens, Claude Sonnet 4.5, regional profile", "page: clauder-navi.com on Bedrock"),
    "model out": Price(16.50, "million tokens, Claude Sonnet 4.5, regional profile", "page: clauder-navi.com on Bedrock"),
    "embedding": Price(0.02, "million tokens, Titan Text Embeddings v2", "list"),
    "guardrail": Price(0.15, "thousand units of 1000 characters, content filters", "list"),
}


@dataclass(frozen=True)
class Size:
    """An environment: what stands (as in envs/) and what is asked of it in a month."""

    name: str
    like: str
    service_tasks: float
    service_vcpu: float
    service_gb: float
    worker_tasks: float
    worker_vcpu: float
    worker_gb: float
    acus: float  # all instances together, on average
    rows_gb: float
    io_millions: float
    valkey: str
    valkey_nodes: int
    nats: int
    endpoint_zones: int
    lcus: float
    questions: int
    other_requests: int
    people: int
    pages_ingested: int
    originals_gb: float
    copies: bool
    traced: float


SIZES = (
    Size("idle", "envs/dev.tfvars, nobody there", 1, 0.25, 1, 1, 0.5, 2, 0.5, 1, 5, "valkey micro", 1, 1, 1, 0.1, 0, 0, 0, 0, 1, False, 0),
    Size("small", "envs/staging.tfvars, 20 thousand questions", 2, 0.5, 1, 1, 1, 4, 2, 10, 60, "valkey micro", 2, 1, 1, 0.5, 20_000, 400_000, 500, 20_000, 10, True, 0.2),
    Size("large", "envs/prod.tfvars, 2 million questions", 8, 1, 2, 4, 1, 4, 24, 400, 4_000, "valkey small", 3, 3, 3, 8, 2_000_000, 40_000_000, 50_000, 1_000_000, 1_000, True, 0.05),
)  # fmt: skip

# One question: eight passages with history and instructions go in, an answer comes out.
TOKENS_IN, TOKENS_OUT = 4_000, 350
CHARACTERS = 4
# One page of documentation.
TOKENS_OF_A_PAGE = 700
ENDPOINTS, ADDRESSES_PER_NAT, MANAGED_RULES, OWN_RULES = 8, 1, 4, 3
SECRETS, KEYS, KEYS_OF_COPIES = 5, 8, 2
ALARM_METRICS, COMPOSITES, OWN_METRICS, INSIGHT_METRICS = 19 + 16 + 3, 4, 2 + 70, 60
LOG_BYTES_OF_A_REQUEST, STREAM_BYTES = 3_000, 20_000


def parts(size):
    """What each part costs: name, what stands behind it, dollars a month."""

    def usd(name, amount):
        return PRICES[name].usd * amount

    requests = size.questions + size.other_requests
    hours = HOURS
    logged = requests * LOG_BYTES_OF_A_REQUEST / 1e9 + 1
    out = (size.questions * STREAM_BYTES + size.other_requests * 4_000) / 1e9
    tokens_in, tokens_out = size.questions * TOKENS_IN, size.questions * TOKENS_OUT
    embedded = size.pages_ingested * TOKENS_OF_A_PAGE + size.questions * 30
    guarded = size.questions * (TOKENS_OUT + 100) * CHARACTERS / 1_000
    tasks = (
        size.service_tasks * (usd("fargate vcpu", size.service_vcpu) + usd("fargate memory", size.service_gb))
        + size.worker_tasks * (usd("fargate vcpu", size.worker_vcpu) + usd("fargate memory", size.worker_gb))
    ) * hours
    return (
        ("Edge", "firewall, gateway, load balancer, traffic out",
            usd("firewall", 1) + usd("firewall rule", MANAGED_RULES + OWN_RULES) + usd("firewall requests", requests / MILLION)
            + usd("gateway", requests / MILLION) + usd("balancer", hours) + usd("lcu", size.lcus * hours) + usd("traffic out", out)),
        ("Login", "Cognito", usd("person", max(0, size.people - 10_000))),
        ("Network", "ways out, endpoints",
            size.nats * (usd("nat", hours) + usd("address", ADDRESSES_PER_NAT * hours)) + usd("nat traffic", out / 4)
            + usd("endpoint", ENDPOINTS * size.endpoint_zones * hours)),
        ("Tasks", "Fargate: service and worker, with their collectors", tasks),
        ("Rows", "Aurora: capacity, storage, reads and writes",
            usd("acu", size.acus * hours) + usd("aurora storage", size.rows_gb) + usd("aurora io", size.io_millions) + usd("aurora backup", size.rows_gb)),
        ("Fast memory", "Valkey", usd(size.valkey, size.valkey_nodes * hours)),
        ("Work and objects", "SQS, S3",
            usd("queue", (size.worker_tasks * hours * 3600 / 20 + 6 * size.pages_ingested) / MILLION) + usd("objects", size.originals_gb)),
        ("Secrets and keys", "Secrets Manager, KMS", usd("secret", SECRETS) + usd("key", KEYS + (KEYS_OF_COPIES if size.copies else 0))),
        ("Sight", "logs, alarms, metrics, traces",
            usd("log", logged) + usd("log kept", logged * 3) + usd("alarm", ALARM_METRICS) + usd("composite", COMPOSITES) + usd("metric", OWN_METRICS)
            + usd("dashboard", 1) + usd("insights", INSIGHT_METRICS) + usd("trace", size.traced * requests / MILLION)),
        ("Copies", "AWS Backup here and in another region", usd("backup", 2 * (size.rows_gb + size.originals_gb)) if size.copies else 0.0),
        ("Models", "answers, embeddings, guardrail",
            usd("model in", tokens_in / MILLION) + usd("model out", tokens_out / MILLION) + usd("embedding", embedded / MILLION)
            + usd("guardrail", guarded / 1_000)),
    )  # fmt: skip


def table():
    columns = [parts(size) for size in SIZES]
    lines = [
        "| Part | What | " + " | ".join(size.name for size in SIZES) + " |",
        "|---|---|" + "---:|" * len(SIZES),
        "| | as | " + " | ".join(size.like for size in SIZES) + " |",
    ]
    for row in zip(*columns):
        lines.append(f"| {row[0][0]} | {row[0][1]} | " + " | ".join(f"{cell[2]:,.0f}" for cell in row) + " |")
    without = [sum(part[2] for part in column if part[0] != "Models") for column in columns]
    total = [sum(part[2] for part in column) for column in columns]
    lines.append("| **Without models** | | " + " | ".join(f"**{usd:,.0f}**" for usd in without) + " |")
    lines.append("| **Total** | US dollars a month | " + " | ".join(f"**{usd:,.0f}**" for usd in total) + " |")
    each = [f"{1000 * usd / size.questions:.2f}" if size.questions else "–" for usd, size in zip(total, SIZES)]
    lines.append("| A thousand questions | US dollars | " + " | ".join(each) + " |")
    lines.append("")
    lines.append(f"List prices of us-east-1, noted on {PRICES_OF} and not fetched from AWS; `cost.py --prices` prints each with its source.")
    return "\n".join(lines) + "\n"


def prices():
    lines = [f"List prices of us-east-1, noted on {PRICES_OF}, not fetched from AWS:", "", "| Price | US dollars | for one | from |", "|---|---:|---|---|"]
    lines += [f"| {name} | {price.usd:g} | {price.unit} | {price.source} |" for name, price in PRICES.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(prices() if sys.argv[1:] == ["--prices"] else table(), end="")
