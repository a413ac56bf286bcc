"""How the client of each language is generated from openapi.yaml and built together with the example in docs/sdk, as
docs/sdk.md tells users to do it. Everything happens in copies under build/sdk; what is downloaded is kept."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build/tools"
STEP_TIMEOUT_S = 300
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

# The generator and its options, as on the page.
GENERATORS = {
    "typescript": ("typescript-fetch", "npmName=quorate-client,supportsES6=true"),
    "python": ("python", "packageName=quorate_client"),
    "go": ("go", "packageName=quorate"),
    "java": ("java", "library=native,containerDefaultToNull=true,invokerPackage=quorate.client,apiPackage=quorate.client.api,"
                     "modelPackage=quorate.client.model"),
}


def run(*command, cwd, **environment):
    result = subprocess.run(list(map(str, command)), cwd=cwd, timeout=STEP_TIMEOUT_S, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment}, check=False)
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout[-8000:]}"
    return result.stdout


def generate(language, folder):
    """Puts the example into `folder` and the client into `folder`/client, both new."""
    generator, options = GENERATORS[language]
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs/sdk" / language, folder)
    run("java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-jar", TOOLS / "generator/openapi-generator-cli.jar", "generate",
        "-i", ROOT / "openapi.yaml", "-g", generator, "-o", folder / "client",
        f"--additional-properties={options}",
        "--global-property", "apiTests=false,modelTests=false,apiDocs=false,modelDocs=false", cwd=folder)


def build_typescript(folder):
    run("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline", cwd=folder)
    tsc = folder / "node_modules/.bin/tsc"
    run(tsc, cwd=folder / "client")
    run(tsc, cwd=folder)
    return ["node", folder / "dist/example.js"]


def build_python(folder):
    environment = TOOLS / "sdk-python"
    python = environment / "bin/python"
    if not python.exists():
        run("/usr/bin/python3", "-m", "venv", environment, cwd=folder)
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt", cwd=folder)
    run(python, "-W", "error", "-c", "import quorate_client", cwd=folder / "client")
    return ["env", f"PYTHONPATH={folder / 'client'}", python, folder / "example.py"]


def build_go(folder):
    run("go", "mod", "edit", "-module=quorate", cwd=folder / "client")
    run("go", "build", "-o", "example", ".", cwd=folder)
    return [folder / "example"]


def build_java(folder):
    jars = TOOLS / "sdk-java"
    if not jars.is_dir():
        run("mvn", "--quiet", "--batch-mode", MAVEN_COPY, f"-DoutputDirectory={folder / 'jars'}",
            cwd=folder / "client")
        (folder / "jars").rename(jars)
    classes = folder / "classes"
    sources = [*(folder / "client/src/main/java").rglob("*.java"), folder / "Example.java"]
    run("javac", "-nowarn", "-d", classes, "-cp", f"{jars}/*", *sources, cwd=folder)
    return ["java", "-cp", f"{classes}:{jars}/*", "Example"]


BUILDERS = {"typescript": build_typescript, "python": build_python, "go": build_go, "java": build_java}


def build(language):
    """Returns the command line of the built example, without its arguments."""
    folder = ROOT / "build/sdk" / language
    folder.parent.mkdir(parents=True, exist_ok=True)
    generate(language, folder)
    return list(map(str, BUILDERS[language](folder)))


if __name__ == "__main__":
    print(*build(sys.argv[1]))
