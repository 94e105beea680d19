#!/bin/sh
# Renders the Kubernetes manifests and checks them against the schemas of the oldest and newest supported versions, the
# KEDA objects against schemas/keda.json, and compose.yaml against Docker Compose's own reader. No cluster, no daemon.
#
# The checkers come from PyPI into a private virtual environment; kubectl (for kustomize) and docker-compose from the
# distribution when they are missing and this runs as root.
set -eu
cd "$(dirname "$0")"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/backtrail/deploy-checkers"
if ! "$cache/bin/kubernetes-validate" --version >/dev/null 2>&1; then
    python3 -m venv "$cache"
    "$cache/bin/pip" install --quiet kubernetes-validate==1.37.0 check-jsonschema==0.39.0 pyyaml
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT INT TERM

for overlay in kubernetes/base kubernetes/overlays/*; do
    kubectl kustomize "$overlay" > "$work/rendered.yaml"
    # One file a document: KEDA's go to their own schema, the rest to Kubernetes'.
    rm -rf "$work/core" "$work/keda" && mkdir "$work/core" "$work/keda"
    "$cache/bin/python" - "$work" <<'PY'
import sys, yaml
work = sys.argv[1]
documents = [d for d in yaml.safe_load_all(open(f"{work}/rendered.yaml")) if d]
for number, document in enumerate(documents):
    group = "keda" if document["apiVersion"].startswith("keda.sh/") else "core"
    with open(f"{work}/{group}/{number:02}.yaml", "w") as out:
        yaml.safe_dump(document, out)
    # What the schemas cannot say: every container is confined and has its memory bounded.
    template = document.get("spec", {}).get("template", {}).get("spec", {})
    for container in template.get("containers", []):
        assert container["securityContext"]["readOnlyRootFilesystem"], container["name"]
        assert container["resources"]["limits"]["memory"], container["name"]
        assert template["securityContext"]["runAsNonRoot"], container["name"]
        assert not any("valueFrom" in e for e in container.get("env", [])), f"{container['name']}: a secret in the environment"
    # Jobs cannot be changed: with a new image they need a new name, and nothing else in them may change.
    if document["kind"] == "Job":
        name = document["metadata"]["name"]
        for container in template["containers"]:
            tag = container["image"].partition(":")[2]
            assert tag.replace(".", "-") in name, f"the Job {name} is not named after its image's tag {tag}"
            assert "envFrom" not in container, f"the Job {name} changes with the settings"
print(f"{len(documents)} objects", file=sys.stderr)
PY
    for version in 1.28.0 1.37.0; do
        "$cache/bin/kubernetes-validate" --strict --quiet --no-warn -k "$version" "$work"/core/*.yaml
    done
    "$cache/bin/check-jsonschema" --schemafile kubernetes/schemas/keda.json "$work"/keda/*.yaml
done

mkdir -p "$work/compose/secrets"
cp compose.yaml "$work/compose/"
if docker-compose version >/dev/null 2>&1; then
    docker-compose -f "$work/compose/compose.yaml" config -q
elif docker compose version >/dev/null 2>&1; then
    docker compose -f "$work/compose/compose.yaml" config -q
else
    echo "docker-compose is missing: install it to check deploy/compose.yaml" >&2
    exit 1
fi
echo "deploy/: valid"
