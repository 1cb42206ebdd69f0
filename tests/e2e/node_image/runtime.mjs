// What AWS's base image for Node brings: asks Lambda's Runtime API for events, and gives each to the handler.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const invocations = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;
const [module, name] = process.argv[2].split(".");
const handler = (await import(`./${module}.mjs`))[name];

for (;;) {
  const next = await fetch(`${invocations}/next`);
  const answer = (kind, value) =>
    fetch(`${invocations}/${next.headers.get("lambda-runtime-aws-request-id")}/${kind}`, {
      method: "POST",
      body: JSON.stringify(value),
    });
  try {
    await answer("response", await handler(await next.json()));
  } catch (error) {
    await answer("error", { errorType: error.name, errorMessage: error.message });
  }
}
