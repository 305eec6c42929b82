// The `openai` SDK for Node: chat completions, responses, embeddings.
import OpenAI from "openai";
import { CITY, SCHEMA, WEATHER, run, weather } from "./tasks.mjs";

const [base, token, ...words] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: token, maxRetries: 0 });
const say = (text) => [{ role: "user", content: text }];
const tools = [
  { type: "function", function: { name: "get_weather", description: "Weather", parameters: CITY } },
];

const tasks = {
  async plain(model) {
    const answer = await client.chat.completions.create({ model, messages: say("hello there") });
    const choice = answer.choices[0];
    return [choice.message.content, choice.finish_reason, answer.usage.completion_tokens];
  },
  async stream(model) {
    let text = "";
    const chunks = await client.chat.completions.create({
      model,
      messages: say("count 5"),
      stream: true,
    });
    for await (const chunk of chunks) text += chunk.choices[0]?.delta?.content ?? "";
    return text;
  },
  async tools(model) {
    const messages = say(WEATHER);
    const first = await client.chat.completions.create({ model, messages, tools });
    messages.push(first.choices[0].message);
    for (const call of first.choices[0].message.tool_calls) {
      const content = weather(JSON.parse(call.function.arguments).city);
      messages.push({ role: "tool", tool_call_id: call.id, content });
    }
    const last = await client.chat.completions.create({ model, messages, tools });
    return last.choices[0].message.content;
  },
  async run_tools(model) {
    const runner = client.chat.completions.runTools({
      model,
      stream: true,
      messages: say(WEATHER),
      tools: [
        {
          type: "function",
          function: {
            name: "get_weather",
            description: "Weather",
            parameters: CITY,
            parse: JSON.parse,
            function: ({ city }) => weather(city),
          },
        },
      ],
    });
    return await runner.finalContent();
  },
  async structured(model) {
    const answer = await client.chat.completions.create({
      model,
      messages: say("who ?"),
      response_format: {
        type: "json_schema",
        json_schema: { name: "person", schema: SCHEMA, strict: true },
      },
    });
    return JSON.parse(answer.choices[0].message.content);
  },
  async responses(model) {
    const stream = client.responses.stream({ model, input: "count 5", store: false });
    const answer = await stream.finalResponse();
    return [answer.output_text, answer.status];
  },
  async embeddings(model) {
    const answer = await client.embeddings.create({ model, input: ["abc", "de"], dimensions: 3 });
    return answer.data.map((each) => Array.from(each.embedding));
  },
  async fails(model) {
    try {
      await client.chat.completions.create({ model, messages: say("fail 400") });
    } catch (error) {
      return [error.constructor.name, error.status];
    }
  },
  async spent(model) {
    try {
      await client.chat.completions.create(
        { model: `tight-${model}`, messages: say("x ".repeat(3000)), max_tokens: 1000 },
        { maxRetries: 2 },
      );
    } catch (error) {
      return [error.constructor.name, error.code];
    }
  },
};
await run(tasks, words);
