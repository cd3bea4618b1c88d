# SPDX-License-Identifier: Apache-2.0
# One metric, and the request as the result.
algorun::serve(function(input) {
  algorun::report(n = 1)
  input
})
