// Lets everybody in and answers what came; who asks for its ID is told it.
exports.echo = async (event) => ({
  statusCode: 200,
  body: event.body === '{"action":"id"}' ? event.requestContext.connectionId : event.body,
});
