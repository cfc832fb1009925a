exports.handler = async () => {
  require.resolve("@aws-sdk/client-apigatewaymanagementapi");
  return { statusCode: 200, body: process.env.NODE_PATH };
};
