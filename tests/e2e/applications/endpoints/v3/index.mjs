import { ApiGatewayManagementApiClient, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";

export const handler = async (event) => {
  const { domainName, stage, connectionId } = event.requestContext;
  const { form } = JSON.parse(event.body);
  const endpoint = {
    E1: `https://${domainName}/${stage}`,
    E3: "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/prod",
    E4: process.env.ENDPOINT,
  }[form];
  const client = new ApiGatewayManagementApiClient({ endpoint });
  await client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: form }));
  return { statusCode: 200 };
};
