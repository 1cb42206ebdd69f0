// What AWS's base image for Node brings: asks Lambda's Runtime API for events, and gives each to the handler.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
import { Agent, request } from "node:http";

const [module, name] = process.argv[2].split(".");
const handler = (await import(`./${module}.mjs`))[name];
const invocations = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
// Not `fetch`, which takes longer to load than a handler.
const agent = new Agent({ keepAlive: true });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = request(`${invocations}/${path}`, { method, agent }, async (response) => {
      const text = (await response.toArray()).join("");
      resolve({ id: response.headers["lambda-runtime-aws-request-id"], text });
    });
    sent.on("error", reject).end(body);
  });
}

for (;;) {
  const { id, text } = await call("GET", "next");
  try {
    await call("POST", `${id}/response`, JSON.stringify(await handler(JSON.parse(text))));
  } catch (error) {
    await call("POST", `${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
  }
}
