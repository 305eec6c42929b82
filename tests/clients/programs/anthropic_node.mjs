// The `@anthropic-ai/sdk` for Node: messages.
import Anthropic from "@anthropic-ai/sdk";
import { CITY, WEATHER, run, weather } from "./tasks.mjs";

const [base, token, ...words] = process.argv.slice(2);
const direct = token.startsWith("sk-canary");
const client = new Anthropic({
  baseURL: base,
  apiKey: direct ? token : null,
  authToken: direct ? null : token,
  maxRetries: 0,
});
const say = (text) => [{ role: "user", content: text }];
const tools = [{ name: "get_weather", description: "Weather", input_schema: CITY }];
const texts = (message) =>
  message.content.map((block) => (block.type === "text" ? block.text : "")).join("");

const tasks = {
  async plain(model) {
    const answer = await client.messages.create({
      model,
      max_tokens: 50,
      messages: say("hello there"),
    });
    return [texts(answer), answer.stop_reason, answer.usage.output_tokens];
  },
  async stream(model) {
    const stream = client.messages.stream({ model, max_tokens: 50, messages: say("count 5") });
    const answer = await stream.finalMessage();
    return [texts(answer), answer.stop_reason, answer.usage.output_tokens];
  },
  async tools(model) {
    const messages = say(WEATHER);
    const first = await client.messages
      .stream({ model, max_tokens: 400, messages, tools })
      .finalMessage();
    messages.push({ role: "assistant", content: first.content });
    const results = first.content.filter((block) => block.type === "tool_use");
    messages.push({
      role: "user",
      content: results.map((call) => ({
        type: "tool_result",
        tool_use_id: call.id,
        content: weather(call.input.city),
      })),
    });
    return texts(await client.messages.create({ model, max_tokens: 400, messages, tools }));
  },
  async count(model) {
    const answer = await client.messages.countTokens({ model, messages: say("one two three") });
    return answer.input_tokens;
  },
  async fails(model) {
    try {
      await client.messages.create({ model, max_tokens: 50, messages: say("fail 400") });
    } catch (error) {
      return [error.constructor.name, error.status];
    }
  },
  async spent(model) {
    try {
      await client.messages.create(
        { model: `tight-${model}`, max_tokens: 1000, messages: say("x ".repeat(3000)) },
        { maxRetries: 2 },
      );
    } catch (error) {
      return [error.constructor.name, error.status];
    }
  },
};
await run(tasks, words);
