#!/bin/sh
# The whole round against a running Pidima, with sh and curl alone: upload a file, wait until it is in search, ask, read a
# stream, hold a conversation, read its history, and find all of it again with SQL.
#
#   PIDIMA_URL            address of the API, e.g. http://127.0.0.1:8080
#   PIDIMA_API_KEY        a key of the role editor or above
#   DATABASE_URL_ANALYST  connection string of the tenant's analyst (pidima tenant grant-analyst)
#   PSQL                  the psql to use; the one in PATH when unset
#
# Ends with status 0 and the line "round: all is well", or with status 1 and what was wrong.
set -eu

: "${PIDIMA_URL:?set it to the address of the API, e.g. http://127.0.0.1:8080}"
: "${PIDIMA_API_KEY:?set it to an API key of the role editor or above}"
: "${DATABASE_URL_ANALYST:?set it to the line that pidima tenant grant-analyst prints}"
PSQL=${PSQL:-psql}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "round: $*" >&2
    exit 1
}

# api <status expected> <path> [options of curl]: prints the body
api() {
    expected=$1
    path=$2
    shift 2
    status=$(curl -sS --max-time 60 -o "$work/body" -w '%{http_code}' \
        -H "Authorization: Bearer $PIDIMA_API_KEY" "$@" "$PIDIMA_URL$path") ||
        fail "$PIDIMA_URL$path can not be reached; is the server running?"
    [ "$status" = "$expected" ] || fail "$path: status $status, not $expected: $(cat "$work/body")"
    cat "$work/body"
}

# field <name>: the first text of that name in the JSON of standard input
field() {
    grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | sed "s/^\"$1\":\"//; s/\"\$//"
}

holds() {
    case $2 in *"$3"*) ;; *) fail "$1 lacks $3: $2" ;; esac
}

# Every round has a word of its own, so that it finds its own file and no older one.
word=brindle$(date +%s)$$
cat > "$work/$word.md" <<EOF
# The $word pump

## Pressure

The $word pump runs at a pressure of 3 bar.

## Cleaning

Clean the filter of the $word pump once a month with warm water.
EOF

echo "round: uploading $word.md"
document=$(api 202 /v1/documents -F "file=@$work/$word.md")
document_id=$(echo "$document" | field id)

waited=0
while :; do
    document=$(api 200 "/v1/documents/$document_id")
    state=$(echo "$document" | field state)
    [ "$state" = ready ] && break
    [ "$state" = failed ] && fail "the document failed: $document"
    [ "$waited" -lt 60 ] || fail "the document is still $state after a minute; does a worker run?"
    sleep 1
    waited=$((waited + 1))
done

echo "round: asking"
question="At what pressure does the $word pump run?"
answer=$(api 200 /v1/answers -H 'Content-Type: application/json' -d "{\"question\":\"$question\"}")
holds "the answer" "$answer" '"outcome":"answered"'
holds "the answer" "$answer" '3 bar'
holds "the answer" "$answer" "\"document_id\":\"$document_id\""
message_id=$(echo "$answer" | field message_id)

echo "round: reading a stream"
stream=$(api 200 /v1/answers -N -H 'Content-Type: application/json' -H 'Accept: text/event-stream' \
    -d "{\"question\":\"$question\"}")
echo "$stream" | grep '^event: ' | uniq -c
for event in started delta citation done; do
    holds "the stream" "$stream" "event: $event"
done

echo "round: holding a conversation"
session=$(api 201 /v1/sessions -H 'Content-Type: application/json' -d "{\"title\":\"About $word\"}")
session_id=$(echo "$session" | field id)
first=$(api 200 "/v1/sessions/$session_id/messages" -H 'Content-Type: application/json' \
    -d "{\"content\":\"$question\"}")
holds "the first answer" "$first" '3 bar'
second=$(api 200 "/v1/sessions/$session_id/messages" -H 'Content-Type: application/json' \
    -d '{"content":"How often is its filter cleaned?"}')
holds "the follow-up's answer" "$second" 'once a month'
holds "the follow-up's answer" "$second" "\"document_id\":\"$document_id\""
history=$(api 200 "/v1/sessions/$session_id/messages")
messages=$(echo "$history" | grep -o '"role":"[a-z]*"' | wc -l)
[ "$messages" -eq 4 ] || fail "the history has $messages messages, not 4: $history"

echo "round: asking the database"
# sql <expected> <statement>
sql() {
    found=$("$PSQL" "$DATABASE_URL_ANALYST" -X -A -t -v ON_ERROR_STOP=1 -c "$2") || fail "psql failed on: $2"
    [ "$found" = "$1" ] || fail "SQL gave '$found', not '$1': $2"
}
sql 2 "select questions from analytics.sessions where session_id = '$session_id'"
sql 4 "select count(*) from analytics.messages where session_id = '$session_id'"
sql answered "select outcome from analytics.answers where message_id = '$message_id'"
sql t "select bool_and(verified) from analytics.citations where message_id = '$message_id'"
sql t "select count(*) > 0 from analytics.retrievals r join analytics.answers a using (run_id)
    where a.message_id = '$message_id' and r.used"
sql t "select citations > 0 from analytics.documents_by_use where document_id = '$document_id'"
sql t "select sum(questions) >= 4 from analytics.usage_by_day"
sql 0 "select count(*) from analytics.unanswered_questions where session_id = '$session_id'"

echo "round: cleaning up"
api 204 "/v1/documents/$document_id" -X DELETE > /dev/null
api 204 "/v1/sessions/$session_id" -X DELETE > /dev/null
sql 0 "select count(*) from analytics.messages where session_id = '$session_id'"

echo "round: all is well"
