internal import Glibc
internal import RunModel

/// What a child finds in its environment: what algo-run found in its own, less algo-run's secrets, with the version's
/// variables and those of the metrics channel.
struct ChildEnvironment {
  /// The descriptor of the metrics channel in every child.
  static let metricsDescriptor: Int32 = 3

  private let inherited: [String]

  /// - Parameter secrets: names of variables that hold algo-run's own secrets, such as a broker's password.
  init(secrets: Set<String>) {
    // Variables of the channel that algo-run itself was given belong to its own execution, not to this child's.
    let own: Set<String> = [
      "ALGO_METRICS_FD", "ALGO_REQUEST_ID", "ALGO_OWNER", "ALGO_NAME", "ALGO_VERSION",
    ]
    inherited = Self.variables().filter { variable in
      let name = String(variable.prefix { $0 != "=" })
      return !own.contains(name) && !secrets.contains(name)
    }
  }

  /// The environment of one execution.
  func variables(for request: RunRequest) -> [String] {
    var variables = inherited
    for variable in request.version?.environment ?? [] {
      // The first of two variables of one name is what getenv finds: the version's must be the only one.
      variables.removeAll { $0.hasPrefix("\(variable.name)=") }
      variables.append("\(variable.name)=\(variable.value)")
    }
    variables.append("ALGO_METRICS_FD=\(Self.metricsDescriptor)")
    variables.append("ALGO_REQUEST_ID=\(request.requestID)")
    if let version = request.version {
      variables.append("ALGO_OWNER=\(version.algorithm.owner)")
      variables.append("ALGO_NAME=\(version.algorithm.name)")
      variables.append("ALGO_VERSION=\(version.version)")
    }
    return variables
  }

  private static func variables() -> [String] {
    var variables: [String] = []
    var next = environ
    while let pointer = next.pointee {
      variables.append(String(cString: pointer))
      next += 1
    }
    return variables
  }
}
