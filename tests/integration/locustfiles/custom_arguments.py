"""Arguments of the user's own, read back from the parsed options."""

from locust import HttpUser, constant, events, task


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    parser.add_argument("--path", default="/ok", env_var="LOAD_PATH", help="what to ask for")
    parser.add_argument("--secret-word", is_secret=True, default="")


@events.test_start.add_listener
def greet(environment, **kwargs):
    print("asking for", environment.parsed_options.path)


class Asker(HttpUser):
    wait_time = constant(0.05)

    @task
    def ask(self):
        self.client.get(self.environment.parsed_options.path, name="/asked")
