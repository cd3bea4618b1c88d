// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import ProcessSupervision
internal import RunModel

/// The environment of a child: algo-run's own variables less algo-run's secrets, with the version's
/// variables and those of the metrics channel.
struct ChildEnvironment {
  /// The descriptor of the metrics channel in every child.
  static let metricsDescriptor: Int32 = 3

  /// Without the names that are set for every child: getenv finds the first of two variables of one name. Variables of
  /// the channel that algo-run itself was given belong to its own execution, not to this child's.
  private let inherited: [OSString]

  /// - Parameter secrets: names of variables that hold algo-run's own secrets, such as a broker's password.
  init(secrets: [String]) {
    inherited = Self.without(secrets + EnvironmentVariable.supervisorNames, Self.variables())
  }

  /// The environment of one execution.
  func variables(for request: ExecutionRequest) -> [OSString] {
    variables(of: request.target.version) + [OSString("ALGO_REQUEST_ID=\(request.id)")] + request.variables
  }

  /// The environment of a worker. Threads of NumPy's libraries would make a fork for each request unsafe: unless they
  /// are set, their numbers are 1.
  func variables(forWorkerOf version: PublishedVersion?, isolates: Bool) -> [OSString] {
    var variables = variables(of: version) + [OSString("ALGO_WORKER=\(AnswerPhase.offeredVersion):4:5:6")]
    guard isolates else { return variables }
    variables.append(OSString("ALGO_WORKER_ISOLATION=process"))
    for name in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]
    where !variables.contains(where: { $0.variableName.elementsEqual(name.utf8) }) {
      variables.append(OSString("\(name)=1"))
    }
    return variables
  }

  private func variables(of version: PublishedVersion?) -> [OSString] {
    var variables = inherited
    if let added = version?.environment, !added.isEmpty {
      variables = Self.without(added.map(\.name), variables)
      for (index, variable) in added.enumerated()
      where !added[(index + 1)...].contains(where: { $0.name == variable.name }) {
        variables.append(OSString("\(variable.name)=\(variable.value)"))
      }
    }
    variables.append(OSString("ALGO_METRICS_FD=\(Self.metricsDescriptor)"))
    if let version {
      variables.append(OSString("ALGO_OWNER=\(version.algorithm.owner)"))
      variables.append(OSString("ALGO_NAME=\(version.algorithm.name)"))
      variables.append(OSString("ALGO_VERSION=\(version.version)"))
    }
    return variables
  }

  private static func without(_ names: [String], _ variables: [OSString]) -> [OSString] {
    variables.filter { variable in
      let name = variable.variableName
      return !names.contains { name.elementsEqual($0.utf8) }
    }
  }

  private static func variables() -> [OSString] {
    var variables: [OSString] = []
    var next = environ
    while let pointer = next.pointee {
      variables.append(OSString(cString: pointer))
      next += 1
    }
    return variables
  }
}
