// The `@google/genai` SDK for Node: content, streams, embeddings, counting.
import { GoogleGenAI } from "@google/genai";
import { CITY, SCHEMA, WEATHER, run, weather } from "./tasks.mjs";

const [base, token, ...words] = process.argv.slice(2);
const headers = token.startsWith("sk-canary") ? {} : { authorization: `Bearer ${token}` };
const client = new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: base, headers } });
const tools = [
  {
    functionDeclarations: [
      { name: "get_weather", description: "Weather", parametersJsonSchema: CITY },
    ],
  },
];

const tasks = {
  async plain(model) {
    const answer = await client.models.generateContent({ model, contents: "hello there" });
    return [answer.text, answer.candidates[0].finishReason];
  },
  async stream(model) {
    let text = "";
    const chunks = await client.models.generateContentStream({ model, contents: "count 5" });
    for await (const chunk of chunks) text += chunk.text ?? "";
    return text;
  },
  async tools(model) {
    const contents = [{ role: "user", parts: [{ text: WEATHER }] }];
    const first = await client.models.generateContent({ model, contents, config: { tools } });
    contents.push(first.candidates[0].content);
    const parts = first.functionCalls.map((call) => ({
      functionResponse: { id: call.id, name: call.name, response: { result: weather(call.args.city) } },
    }));
    contents.push({ role: "user", parts });
    const last = await client.models.generateContent({ model, contents, config: { tools } });
    return last.text;
  },
  async structured(model) {
    const config = { responseMimeType: "application/json", responseJsonSchema: SCHEMA };
    const answer = await client.models.generateContent({ model, contents: "who ?", config });
    return JSON.parse(answer.text);
  },
  async embeddings(model) {
    const answer = await client.models.embedContent({
      model,
      contents: ["abc", "de"],
      config: { outputDimensionality: 3 },
    });
    return answer.embeddings.map((each) => each.values);
  },
  async count(model) {
    return (await client.models.countTokens({ model, contents: "one two three" })).totalTokens;
  },
  async fails(model) {
    try {
      await client.models.generateContent({ model, contents: "fail 400" });
    } catch (error) {
      return [error.constructor.name, error.status];
    }
  },
  async spent(model) {
    try {
      await client.models.generateContent({ model: `tight-${model}`, contents: "x ".repeat(3000) });
    } catch (error) {
      return [error.constructor.name, error.status];
    }
  },
};
await run(tasks, words);
