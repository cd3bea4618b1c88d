# One metric, and the request as the result.
algorun::serve(function(input) {
  algorun::report(n = 1)
  input
})
