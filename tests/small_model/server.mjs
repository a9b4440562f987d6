// An OpenAI-compatible server (chat completions, streamed or whole) around a small model that runs here, to try Pidima's
// provider `openai` against a real one. One answer at a time; the others wait.
//
//   node server.mjs MODEL.gguf PORT
import http from "node:http";
import { getLlama, LlamaChatSession } from "node-llama-cpp";

const [, , modelPath, port = "8089"] = process.argv;
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 8192 });
const sequence = context.getSequence();
const name = modelPath.split("/").at(-1).replace(/\.gguf$/, "");

const text = (content) => (typeof content === "string" ? content : content.map((part) => part.text ?? "").join(""));

function historyOf(messages) {
  return messages.map((message) =>
    message.role === "assistant"
      ? { type: "model", response: [text(message.content)] }
      : { type: message.role === "system" ? "system" : "user", text: text(message.content) },
  );
}

async function answer(request, onText, signal) {
  await sequence.clearHistory();
  const history = historyOf(request.messages);
  const question = history.pop();
  const session = new LlamaChatSession({ contextSequence: sequence, systemPrompt: "" });
  session.setChatHistory(history);
  const before = sequence.tokenMeter.getState();
  const result = await session.promptWithMeta(question.text, {
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? 512,
    temperature: request.temperature ?? 0,
    onTextChunk: onText,
    signal,
    stopOnAbortSignal: true,
  });
  const used = sequence.tokenMeter.diff(before);
  session.dispose({ disposeSequence: false });
  return {
    text: result.responseText,
    finish_reason: result.stopReason === "maxTokens" ? "length" : "stop",
    usage: {
      prompt_tokens: used.usedInputTokens,
      completion_tokens: used.usedOutputTokens,
      total_tokens: used.usedInputTokens + used.usedOutputTokens,
    },
  };
}

let turn = Promise.resolve();

async function complete(request, response, signal) {
  const head = { id: `chatcmpl-${Date.now()}`, created: Math.floor(Date.now() / 1000), model: name };
  if (!request.stream) {
    const { text, finish_reason, usage } = await answer(request, () => {}, signal);
    const choices = [{ index: 0, message: { role: "assistant", content: text }, finish_reason }];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ ...head, object: "chat.completion", choices, usage }));
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const chunk = (fields) =>
    response.write(`data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", ...fields })}\n\n`);
  const delta = (content) => chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
  const { finish_reason, usage } = await answer(request, delta, signal);
  chunk({ choices: [{ index: 0, delta: {}, finish_reason }] });
  if (request.stream_options?.include_usage) chunk({ choices: [], usage });
  response.end("data: [DONE]\n\n");
}

http
  .createServer(async (incoming, response) => {
    if (incoming.method !== "POST" || !incoming.url.endsWith("/chat/completions")) {
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: "there is only POST /v1/chat/completions here" } }));
      return;
    }
    let body = "";
    for await (const part of incoming) body += part;
    const hangUp = new AbortController();
    response.on("close", () => hangUp.abort());
    const mine = turn.then(() => complete(JSON.parse(body), response, hangUp.signal));
    turn = mine.catch((error) => {
      if (response.headersSent) response.destroy();
      else {
        response.writeHead(500, { "content-type": "application/json" });
        response.end(JSON.stringify({ error: { message: String(error) } }));
      }
    });
  })
  .listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/v1`));
