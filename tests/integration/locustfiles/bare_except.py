"""Users whose bare except swallows the end that Locust sends them, for ever."""

from locust import FastHttpUser, constant, task


class Immortal(FastHttpUser):
    wait_time = constant(0)

    @task
    def never_die(self):
        while True:
            try:
                self.client.get("/hang")
            except:
                pass
