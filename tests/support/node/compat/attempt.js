'use strict';
// Returns the result of a call, or the code of its error.
exports.attempt = (call) => {
  try {
    const result = call();
    if (result === undefined) return null;
    return result !== null && result.constructor.name === 'Http2ServerResponse' ? 'itself' : result;
  } catch (error) {
    return error.code;
  }
};
