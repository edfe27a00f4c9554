// Drives the Genetec agent of "camstreamerlib" and prints what it read as JSON. Its package is found through NODE_PATH.
"use strict";

const { GenetecAgent } = require("camstreamerlib/node");

async function main([host, port, baseUri, user, applicationId, text]) {
  const pass = process.env.VIGIE_TEST_PASSWORD;
  const options = { protocol: "https", ip: host, port: Number(port), baseUri, user, appId: applicationId };
  const agent = new GenetecAgent({ ...options, pass });
  await agent.checkConnection();
  const listed = (await agent.getAllCameraGuids()).Rsp.Result.map((camera) => camera.Guid);
  const details = await agent.getCameraDetails(
    listed.map((guid) => ({ Guid: guid })),
    ["Guid", "Name", "EntityType"],
  );
  await agent.sendBookmark(listed, text);
  const refused = await new GenetecAgent({ ...options, pass: "wrong" }).checkConnection().then(
    () => "accepted",
    (error) => error.message,
  );
  process.stdout.write(JSON.stringify({ listed, details, refused }));
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
