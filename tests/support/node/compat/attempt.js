'use strict';
// What a call returns, or the code of what it throws.
exports.attempt = (call) => {
  try {
    const result = call();
    if (result === undefined) return null;
    return result !== null && result.constructor.name === 'Http2ServerResponse' ? 'itself' : result;
  } catch (error) {
    return error.code;
  }
};
