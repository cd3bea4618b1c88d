import importlib.util, pathlib, pytest
spec = importlib.util.spec_from_file_location("calls", pathlib.Path(__file__).with_name("test_serve_calls.py"))
calls = importlib.util.module_from_spec(spec); spec.loader.exec_module(calls)
@pytest.mark.parametrize("number", range(120))
def test_flake(program, number):
    calls.test_a_caller_that_leaves_cancels_its_execution_unless_told_otherwise(program, "continue")
