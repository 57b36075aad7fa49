"""Checks of deploy/ and of the YAML in the docs that no schema makes; each is shown a mistake that it has to find."""

import copy
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from urllib.parse import urlsplit

import dockerfile
import kubernetes_validate
import yaml

KUBERNETES = "1.37"
# Between the end of a drain and the signal that nobody can catch.
MARGIN = 5
# What kube-proxy of a busy cluster may take to hear of a deletion.
PROPAGATION = 5
# The longest that an answer of a probe takes.
PROBE_BUDGET = 0.8
PROBES = {
    "startupProbe": {"/z/health/startup", "/startupz"},
    "livenessProbe": {"/z/health/liveness", "/z/health/ping", "/livez"},
    "readinessProbe": {"/z/health/readiness", "/readyz"},
}
FIELDS = {
    "POD_NAME": "metadata.name",
    "POD_NAMESPACE": "metadata.namespace",
    "POD_UID": "metadata.uid",
    "NODE_NAME": "spec.nodeName",
}
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def seconds(duration):
    parts = re.findall(r"(\d+)\s*(ms|s|m|h)", duration)
    assert parts, f"{duration!r} is no duration"
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def drain(environment):
    return seconds(environment["MANAGEMENT_DRAIN_DELAY"]) + seconds(environment["MANAGEMENT_DRAIN_TIMEOUT"])


def container(objects):
    return objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]


def environment(objects):
    return {entry["name"]: entry.get("value") for entry in container(objects)["env"]}


def kubernetes(objects):
    """Yields what is wrong with the objects of deploy/kubernetes.yaml."""
    deployment, service, budget = (objects[kind] for kind in ("Deployment", "Service", "PodDisruptionBudget"))
    spec, template = deployment["spec"], deployment["spec"]["template"]
    pod, main, values = template["spec"], container(objects), environment(objects)
    ports = {port["name"]: port["containerPort"] for port in main["ports"]}

    for kind, paths in PROBES.items():
        probe = main.get(kind)
        if probe is None:
            yield f"there is no {kind}"
            continue
        if probe["httpGet"]["path"] not in paths:
            yield f"{kind} asks {probe['httpGet']['path']}, which is not one of {sorted(paths)}"
        if probe["httpGet"]["port"] != "management":
            yield f"{kind} asks another port than management"
        for number in ("periodSeconds", "timeoutSeconds", "failureThreshold"):
            if number not in probe:
                yield f"{kind} leaves {number} to the default"
        if probe.get("timeoutSeconds", 1) <= PROBE_BUDGET:
            yield f"{kind} gives up before the probe budget is spent"

    grace = pod.get("terminationGracePeriodSeconds", 30)
    if grace < drain(values) + MARGIN:
        yield f"terminationGracePeriodSeconds is {grace} s, and a drain takes {drain(values)} s and {MARGIN} s more"
    if seconds(values["MANAGEMENT_DRAIN_DELAY"]) <= PROPAGATION:
        yield "MANAGEMENT_DRAIN_DELAY does not cover what a deletion takes to be heard of"
    if "preStop" in main.get("lifecycle", {}):
        yield "a preStop hook delays SIGTERM while readiness says UP"
    if main.get("terminationMessagePolicy") != "FallbackToLogsOnError":
        yield "kubectl describe does not show the mistakes of build()"
    if "command" in main:
        yield "a command takes the place of the image's ENTRYPOINT"

    if values["MANAGEMENT_LISTEN"].rpartition(":")[2] != str(ports.get("management")):
        yield "MANAGEMENT_LISTEN is not the port named management"
    if values["PORT"] != str(ports.get("http")):
        yield "PORT is not the port named http"
    if [port["targetPort"] for port in service["spec"]["ports"]] != ["http"]:
        yield "the Service exposes another port than http"

    fields = {e["name"]: e["valueFrom"]["fieldRef"]["fieldPath"] for e in main["env"] if "valueFrom" in e}
    if fields != FIELDS:
        yield f"the fields given to the process are {fields}"
    if values.get("CONTAINER_NAME") != main["name"]:
        yield "CONTAINER_NAME is not the container's name"

    labels = template["metadata"]["labels"].items()
    selectors = (spec["selector"]["matchLabels"], service["spec"]["selector"], budget["spec"]["selector"]["matchLabels"])
    if not all(selector and selector.items() <= labels for selector in selectors):
        yield "a selector does not select the pods"

    rolling = spec["strategy"]["rollingUpdate"]
    if rolling["maxUnavailable"] != 0 or rolling["maxSurge"] == 0:
        yield "a rollout takes a pod away before another one is there"
    if not 0 < budget["spec"]["maxUnavailable"] < spec["replicas"]:
        yield "the PodDisruptionBudget allows no eviction, or allows that of every pod"

    if not pod["securityContext"].get("runAsNonRoot"):
        yield "the pod may run as root"
    if not main["securityContext"].get("readOnlyRootFilesystem"):
        yield "the root file system can be written to"
    writable = {mount["mountPath"] for mount in main["volumeMounts"] if not mount.get("readOnly")}
    if str(Path(values["DATABASE_URL"].removeprefix("sqlite:")).parent) not in writable:
        yield "the database is on no volume"


def network_policy(objects):
    """Yields what is wrong with deploy/network-policy.yaml, beside the objects of deploy/kubernetes.yaml."""
    spec = objects["NetworkPolicy"]["spec"]
    pods = objects["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    ports = {port["name"]: port["containerPort"] for port in container(objects)["ports"]}
    selector = spec["podSelector"].get("matchLabels")
    if not selector or not selector.items() <= pods:
        yield "the NetworkPolicy does not select the pods of the Deployment alone"
    if spec.get("policyTypes") != ["Ingress"]:
        yield "the NetworkPolicy has other types than Ingress"
    allowed = {port["port"]: rule.get("from") for rule in spec["ingress"] for port in rule.get("ports", [{"port": None}])}
    if set(allowed) != {ports["http"], ports["management"]}:
        yield f"the NetworkPolicy opens {sorted(map(str, allowed))}"
        return
    if allowed[ports["http"]] is not None:
        yield "the application is closed to its users"
    if not allowed[ports["management"]]:
        yield "the management port is open to everybody"


NETWORK_POLICY_MISTAKES = {
    "it selects every pod": lambda o: o["NetworkPolicy"]["spec"].update(podSelector={}),
    "it selects other pods": lambda o: o["NetworkPolicy"]["spec"].update(podSelector={"matchLabels": {"app": "x"}}),
    "management is open": lambda o: o["NetworkPolicy"]["spec"]["ingress"][1].pop("from"),
    "the ports are others": lambda o: container(o)["ports"][1].update(containerPort=9090),
    "every port is open": lambda o: o["NetworkPolicy"]["spec"]["ingress"][1].pop("ports"),
    "the application is closed": lambda o: o["NetworkPolicy"]["spec"]["ingress"][0].update({"from": []}),
    "it closes the way out": lambda o: o["NetworkPolicy"]["spec"].update(policyTypes=["Ingress", "Egress"]),
}


def ingress(objects):
    """Yields what is wrong with deploy/ingress.yaml, beside the objects of deploy/kubernetes.yaml."""
    service, nobody = objects["Service"], objects["nobody"]
    pods = objects["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    selector = nobody["spec"].get("selector")
    if not selector or selector.items() <= pods:
        yield "the Service without pods selects pods"
    for rule in objects["Ingress"]["spec"]["rules"]:
        backends = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
        if any(path["pathType"] != "Prefix" for path in rule["http"]["paths"]):
            yield "a path is no prefix"
        if backends.get("/") != service["metadata"]["name"]:
            yield "the Ingress does not lead to the application"
        if backends.get("/z") != nobody["metadata"]["name"]:
            yield "the Ingress shows /z"


INGRESS_MISTAKES = {
    "/z is shown": lambda o: o["Ingress"]["spec"]["rules"][0]["http"]["paths"].pop(1),
    "/z is one path only": lambda o: o["Ingress"]["spec"]["rules"][0]["http"]["paths"][1].update(pathType="Exact"),
    "nobody is somebody": lambda o: o["nobody"]["spec"].update(selector=o["Service"]["spec"]["selector"]),
    "everybody is nobody": lambda o: o["Ingress"]["spec"]["rules"][0]["http"]["paths"].pop(0),
}


KUBERNETES_MISTAKES = {
    "liveness asks /health": lambda o: container(o)["livenessProbe"]["httpGet"].update(path="/z/health"),
    "liveness asks readiness": lambda o: container(o)["livenessProbe"]["httpGet"].update(path="/z/health/readiness"),
    "a probe asks a path that is not there": lambda o: container(o)["readinessProbe"]["httpGet"].update(path="/ready"),
    "a probe asks the application's port": lambda o: container(o)["startupProbe"]["httpGet"].update(port="http"),
    "no startup probe": lambda o: container(o).pop("startupProbe"),
    "a number is left to its default": lambda o: container(o)["readinessProbe"].pop("timeoutSeconds"),
    "the grace period is too short": lambda o: pod(o).update(terminationGracePeriodSeconds=29),
    "the grace period is the default": lambda o: (
        pod(o).pop("terminationGracePeriodSeconds"),
        set_value(o, "MANAGEMENT_DRAIN_DELAY", "11s"),
    ),
    "the drain is too long": lambda o: set_value(o, "MANAGEMENT_DRAIN_TIMEOUT", "1m"),
    "the delay is too short": lambda o: set_value(o, "MANAGEMENT_DRAIN_DELAY", "5s"),
    "a preStop hook": lambda o: container(o).update(lifecycle={"preStop": {"sleep": {"seconds": 5}}}),
    "mistakes that nobody sees": lambda o: container(o).pop("terminationMessagePolicy"),
    "a shell before the service": lambda o: container(o).update(command=["sh", "-c", "/deployed"]),
    "the management port is another": lambda o: set_value(o, "MANAGEMENT_LISTEN", "0.0.0.0:9090"),
    "the application's port is another": lambda o: set_value(o, "PORT", "80"),
    "the Service exposes management": lambda o: o["Service"]["spec"]["ports"].append({"targetPort": "management"}),
    "a field is missing": lambda o: container(o)["env"].remove(
        {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}
    ),
    "the container has another name": lambda o: container(o).update(name="main"),
    "the Service selects other pods": lambda o: o["Service"]["spec"].update(selector={"app": "deployed"}),
    "the budget selects other pods": lambda o: o["PodDisruptionBudget"]["spec"].update(selector={"matchLabels": {}}),
    "a rollout takes pods away first": lambda o: o["Deployment"]["spec"]["strategy"].update(
        rollingUpdate={"maxSurge": 1, "maxUnavailable": 1}
    ),
    "no pod can be evicted": lambda o: o["PodDisruptionBudget"]["spec"].update(maxUnavailable=0),
    "root": lambda o: pod(o)["securityContext"].pop("runAsNonRoot"),
    "a writable root": lambda o: container(o)["securityContext"].pop("readOnlyRootFilesystem"),
    "a database on the root": lambda o: set_value(o, "DATABASE_URL", "sqlite:/deployed.db"),
}


def pod(objects):
    return objects["Deployment"]["spec"]["template"]["spec"]


def set_value(objects, name, value):
    next(entry for entry in container(objects)["env"] if entry["name"] == name)["value"] = value


def image(commands, target):
    """The instructions of an image that is FROM scratch, with those of the stages that it is made from."""
    stages, name = {}, None
    for command in commands:
        if command[0] == "FROM":
            base, *alias = command[3]
            name = alias[-1] if alias else ""
            stages[name] = list(stages.get(base, [command]))
        else:
            stages[name].append(command)
    return stages.get(target, [])


def containerfile(commands):
    """Yields what is wrong with the instructions of deploy/Containerfile, given as (name, is JSON, flags, values)."""
    build = next(values for name, _, _, values in image(commands, "build") if name == "RUN")
    binaries = re.findall(r"--example (\w+)", " ".join(build))
    for binary in binaries:
        yield from (f"{binary}: {complaint}" for complaint in image_of(image(commands, binary), f"/{binary}"))
    last = [values for name, _, _, values in commands if name == "FROM"][-1]
    if binaries[0] != last[-1]:
        yield f"the image without --target is not {binaries[0]}"


def image_of(commands, binary):
    """Yields what is wrong with the image of an example."""

    def of(name):
        return [(is_json, flags, values) for command, is_json, flags, values in commands if command == name]

    if [values[0] for _, _, values in of("FROM")] != ["scratch"]:
        yield "the image is not from scratch"
    if of("ENTRYPOINT") != [(True, (), (binary,))]:
        yield "ENTRYPOINT is not the example in the exec form"
    if not any(f"/image{binary}" in values for _, _, values in of("COPY")):
        yield "the binary is missing"
    if of("CMD") or of("SHELL") or of("RUN"):
        yield "the image has a CMD, a SHELL or a RUN, and no shell"
    if [(is_json, values) for is_json, _, values in of("HEALTHCHECK")] != [
        (True, ("CMD", binary, "healthcheck"))
    ]:
        yield "HEALTHCHECK is not the example's own in the exec form"
    user = of("USER")
    if len(user) != 1 or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", user[0][2][0]):
        yield "USER is not two numbers other than 0"
    if of("STOPSIGNAL"):
        yield "STOPSIGNAL is not the default, SIGTERM"
    if not any("/etc/ssl/certs/ca-certificates.crt" in values for _, _, values in of("COPY")):
        yield "there are no certificates to trust"


def instruction(name, is_json, *values):
    """A mistake: every such instruction becomes this one."""

    def change(commands):
        for index, command in enumerate(commands):
            if command[0] == name:
                commands[index] = (name, is_json, (), values)

    return change


def value(old, new):
    """A mistake: this value of every instruction becomes that one."""

    def change(commands):
        for index, (name, is_json, flags, values) in enumerate(commands):
            commands[index] = (name, is_json, flags, tuple(new if each == old else each for each in values))

    return change


CONTAINERFILE_MISTAKES = {
    "a base with a shell": value("scratch", "docker.io/library/alpine:3.23"),
    "the binary of another example": value("/image/storefront", "/image/deployed"),
    "an image that nobody builds": value("storefront", "another"),
    "another image by default": lambda commands: commands.append(("FROM", False, (), ("base", "AS", "another"))),
    "the shell form of ENTRYPOINT": instruction("ENTRYPOINT", False, "/deployed"),
    "another binary": instruction("ENTRYPOINT", True, "/quickstart"),
    "the shell form of HEALTHCHECK": instruction("HEALTHCHECK", False, "CMD", "/deployed healthcheck"),
    "no health check": instruction("HEALTHCHECK", False, "NONE"),
    "root": instruction("USER", False, "0:0"),
    "a user by name": instruction("USER", False, "nonroot"),
    "a CMD": lambda commands: commands.append(("CMD", True, (), ("serve",))),
    "another signal": lambda commands: commands.append(("STOPSIGNAL", False, (), ("SIGINT",))),
    "no certificates": instruction("COPY", False, "/image", "/"),
}


def own_services(project):
    """The services of a project of Compose that are built from deploy/Containerfile."""
    return {name: service for name, service in project["services"].items() if "build" in service}


def service_of(name, service):
    """Yields what is wrong with a service of ours in a project of Compose."""
    if seconds(service.get("stop_grace_period", "10s")) < drain(service["environment"]) + MARGIN:
        yield f"{name} is killed before its drain has ended"
    if service["build"].get("target") != service["image"]:
        yield f"{name} is another image than it is called"
    if service.get("healthcheck", {}).get("test") != ["CMD", f"/{service['image']}", "healthcheck"]:
        yield f"{name} is not asked for its health without a shell"
    if service.get("entrypoint") or service.get("command"):
        yield f"{name} does not start as the image does"


def compose(project):
    """Yields what is wrong with deploy/compose.haproxy.yaml, as Compose itself reads it."""
    proxy = project["services"]["proxy"]
    known = set(re.findall(r"^ *presetenv +(\w+)", Path(proxy["volumes"][0]["source"]).read_text(), re.MULTILINE))
    if not proxy["environment"].keys() <= known:
        yield f"haproxy.cfg knows the variables {sorted(known)} alone"
    services = project["services"]
    own = own_services(project)
    for name, service in own.items():
        yield from service_of(name, service)
        if service.get("ports"):
            yield f"{name} is reached past the proxy"
        if service["environment"]["MANAGEMENT_LISTEN"] != f"0.0.0.0:{proxy['environment']['CHECK_PORT']}":
            yield f"{name} is not asked where its endpoints are"
    waits = [(wanted, how) for service in services.values() for wanted, how in service.get("depends_on", {}).items()]
    if {wanted for wanted, how in waits if how["condition"] == "service_healthy"} != own.keys():
        yield "nothing waits until the service is healthy"


COMPOSE_MISTAKES = {
    "an unknown variable": lambda p: p["services"]["proxy"]["environment"].update(APP_3="three:8080"),
    "the grace period is too short": lambda p: p["services"]["one"].update(stop_grace_period="29s"),
    "the grace period is the default": lambda p: p["services"]["two"].pop("stop_grace_period"),
    "no health check": lambda p: p["services"]["one"].pop("healthcheck"),
    "a health check by a shell": lambda p: p["services"]["one"]["healthcheck"].update(test=["CMD-SHELL", "true"]),
    "another command": lambda p: p["services"]["one"].update(command=["sh"]),
    "another image": lambda p: p["services"]["two"]["build"].update(target="storefront"),
    "a port of its own": lambda p: p["services"]["one"].update(ports=[{"target": 8081}]),
    "the endpoints are elsewhere": lambda p: p["services"]["two"]["environment"].update(MANAGEMENT_LISTEN="0.0.0.0:1"),
    "nobody waits": lambda p: p["services"]["proxy"]["depends_on"]["one"].update(condition="service_started"),
}


def storefront(project):
    """Yields what is wrong with deploy/compose.yaml, as Compose itself reads it."""
    services = project["services"]
    if own_services(project).keys() != {"storefront"}:
        yield "storefront is not the only service that is built here"
    main = services["storefront"]
    values = main["environment"]
    yield from service_of("storefront", main)
    for name, service in services.items():
        if "test" not in service.get("healthcheck", {}):
            yield f"{name} has no health check"
        for variable, text in service.get("environment", {}).items():
            if re.search(r"://[^/@]*:[^/@]*@", text) or (variable.endswith("PASSWORD") and text):
                yield f"{name} has a password in {variable}"
    for variable in ("DATABASE_URL", "REDIS_URL"):
        if urlsplit(values[variable]).hostname not in services.keys() - {"storefront"}:
            yield f"no service is called as {variable} says"
    files = {"storefront": "DATABASE_PASSWORD_FILE", "postgres": "POSTGRES_PASSWORD_FILE"}
    given = {name: {f"/run/secrets/{secret['source']}" for secret in services[name].get("secrets", [])} for name in files}
    for name, variable in files.items():
        if services[name]["environment"].get(variable) not in given[name]:
            yield f"{name} does not read its password from a secret"
    if urlsplit(values["DATABASE_URL"]).username != services["postgres"]["environment"].get("POSTGRES_USER"):
        yield "PostgreSQL has another user than DATABASE_URL"
    if any(how["condition"] != "service_started" for how in main["depends_on"].values()):
        yield "storefront is started late, although it waits for its servers itself"
    ports = {port["target"]: port.get("host_ip") for service in services.values() for port in service.get("ports", [])}
    if ports.keys() != {8080, int(values["MANAGEMENT_LISTEN"].rpartition(":")[2])}:
        yield f"the ports {sorted(ports)} are published"
    if set(ports.values()) != {"127.0.0.1"}:
        yield "other machines reach a port"


STOREFRONT_MISTAKES = {
    "another service": lambda p: p["services"]["redis"].update(build={"target": "redis"}),
    "the grace period is too short": lambda p: p["services"]["storefront"].update(stop_grace_period="21s"),
    "another image": lambda p: p["services"]["storefront"]["build"].pop("target"),
    "a health check by a shell": lambda p: p["services"]["storefront"]["healthcheck"].update(test=["CMD-SHELL", "true"]),
    "another command": lambda p: p["services"]["storefront"].update(command=["sh"]),
    "no health check": lambda p: p["services"]["redis"].pop("healthcheck"),
    "a password in a URL": lambda p: storefront_value(p, "REDIS_URL", "redis://:secret@redis/"),
    "a password in a variable": lambda p: p["services"]["postgres"]["environment"].update(POSTGRES_PASSWORD="secret"),
    "PostgreSQL is elsewhere": lambda p: storefront_value(p, "DATABASE_URL", "postgres://storefront@db/storefront"),
    "another user": lambda p: storefront_value(p, "DATABASE_URL", "postgres://shop@postgres/storefront"),
    "no secret": lambda p: p["services"]["postgres"].pop("secrets"),
    "a secret that nobody reads": lambda p: p["services"]["storefront"]["environment"].pop("DATABASE_PASSWORD_FILE"),
    "it waits": lambda p: p["services"]["storefront"]["depends_on"]["redis"].update(condition="service_healthy"),
    "the endpoints are elsewhere": lambda p: storefront_value(p, "MANAGEMENT_LISTEN", "0.0.0.0:9090"),
    "PostgreSQL is published": lambda p: p["services"]["postgres"].update(ports=[{"target": 5432, "host_ip": "127.0.0.1"}]),
    "the endpoints are open": lambda p: p["services"]["storefront"]["ports"][1].pop("host_ip"),
}


def storefront_value(project, name, value):
    project["services"]["storefront"]["environment"][name] = value


def is_valid(manifest):
    try:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError, KeyError, TypeError):
        return False
    return True


def fences(page, files, objects):
    """Yields what is wrong with the YAML of a page: a piece of `files`, an object, or valid somewhere in ours."""
    for number, fence in enumerate(re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL), 1):
        if any("\n" + textwrap.indent(fence, " " * depth) in file for file in files for depth in range(0, 20, 2)):
            continue
        try:
            snippet = yaml.safe_load(fence)
        except yaml.YAMLError as error:
            yield f"YAML {number} does not parse: {error}"
            continue
        places = [lambda o: o["Deployment"]["spec"], pod, container]
        tries = [snippet] if "kind" in snippet else []
        for place in places:
            changed = copy.deepcopy(objects)
            place(changed).update(snippet)
            tries.append(changed["Deployment"])
        if not any(map(is_valid, tries)):
            yield f"YAML {number} is neither a piece of deploy/ nor valid:\n{textwrap.indent(fence, '    ')}"


FENCE_MISTAKES = {
    "no YAML": lambda page: page.append("```yaml\na: [\n```\n"),
    "an unknown key": lambda page: page.append("```yaml\nlivenesProbe: {}\n```\n"),
    "an unknown field": lambda page: page.append("```yaml\nreadinessProbe: {periodSecond: 5}\n```\n"),
}


def main():
    complaints = []

    def check(name, rules, what, mistakes):
        complaints.extend(f"{name}: {complaint}" for complaint in rules(what))
        for mistake, make in mistakes.items():
            wrong = copy.deepcopy(what)
            make(wrong)
            if not any(True for _ in rules(wrong)):
                complaints.append(f"{name}: a check does not find its mistake: {mistake}")

    text = Path("deploy/kubernetes.yaml").read_text()
    objects = {manifest["kind"]: manifest for manifest in yaml.safe_load_all(text)}
    check("deploy/kubernetes.yaml", kubernetes, objects, KUBERNETES_MISTAKES)

    for name, rules, mistakes in (
        ("network-policy", network_policy, NETWORK_POLICY_MISTAKES),
        ("ingress", ingress, INGRESS_MISTAKES),
    ):
        own = yaml.safe_load_all(Path(f"deploy/{name}.yaml").read_text())
        own = {part["metadata"]["name"] if part["kind"] == "Service" else part["kind"]: part for part in own}
        check(f"deploy/{name}.yaml", rules, objects | own, mistakes)

    commands = [(c.cmd.upper(), c.json, c.flags, c.value) for c in dockerfile.parse_file("deploy/Containerfile")]
    check("deploy/Containerfile", containerfile, commands, CONTAINERFILE_MISTAKES)

    for file, rules, mistakes in (
        ("deploy/compose.haproxy.yaml", compose, COMPOSE_MISTAKES),
        ("deploy/compose.yaml", storefront, STOREFRONT_MISTAKES),
    ):
        command = ["docker-compose", "--file", file, "config", "--format", "json"]
        project = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        check(file, rules, project, mistakes)

    files = [text, *(Path(f"deploy/{name}.yaml").read_text() for name in ("compose", "compose.haproxy"))]
    for name in ("docs/kubernetes.md", "docs/production.md", "README.md"):
        page = [Path(name).read_text()]
        check(name, lambda page: fences("".join(page), files, objects), page, FENCE_MISTAKES)

    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
