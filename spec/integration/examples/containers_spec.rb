# frozen_string_literal: true

require "json"
require "kino/configuration"
require "yaml"

RSpec.describe "examples of containers" do
  root = File.expand_path("../../../examples", __dir__)
  let(:configuration) do
    Kino::Configuration.load(Kino::Configuration::Layer.new, env: {}, path: "#{root}/docker/kino.rb")
  end
  let(:dockerfile) { File.read("#{root}/docker/Dockerfile") }

  # What the image starts, in words.
  def command = JSON.parse(dockerfile[/^CMD (.+)$/, 1])

  def port = command.last[/\d+\z/].to_i

  it "has an image whose first process is kino, on a port that is open, as a user without rights" do
    expect(command.first(3)).to eq(%w[bundle exec kino])
    expect(dockerfile).to include("EXPOSE #{port}\n").and match(/^USER app$/)
    expect(dockerfile.scan(/^FROM \S+( AS build)?$/).size).to eq(2)
    expect(File.readlines("#{root}/docker/.dockerignore", chomp: true)).to include(".git", "config/master.key", ".env*")
  end

  it "has a kino.rb that ends within what its hosts wait for" do
    expect(configuration.drain_delay).to be_between(1, configuration.shutdown_timeout - 1)
    deployment, service = YAML.load_stream(File.read("#{root}/kubernetes/kino.yaml"))
    expect([deployment, service].map { |one| one["kind"] }).to eq(%w[Deployment Service])
    pod = deployment.dig("spec", "template", "spec")
    expect(pod["terminationGracePeriodSeconds"]).to be > configuration.shutdown_timeout
    kamal = YAML.load_file("#{root}/kamal/deploy.yml")
    expect(kamal["drain_timeout"]).to be > configuration.shutdown_timeout
    expect(kamal.dig("proxy", "app_port")).to eq(port)
  end

  it "has a Deployment whose labels, ports and probes fit each other" do
    deployment, service = YAML.load_stream(File.read("#{root}/kubernetes/kino.yaml"))
    labels = deployment.dig("spec", "template", "metadata", "labels")
    expect([deployment.dig("spec", "selector", "matchLabels"), service.dig("spec", "selector")]).to eq([labels, labels])
    container = deployment.dig("spec", "template", "spec", "containers").first
    expect(container["ports"]).to eq([{ "name" => "http", "containerPort" => port }])
    expect(service.dig("spec", "ports").map { |one| one["targetPort"] }).to eq(["http"])
    expect(container.slice("startupProbe", "readinessProbe").values.map { |probe| probe.dig("httpGet", "port") })
      .to eq(%w[http http])
    # One that is busy isn't ended.
    expect(container["livenessProbe"]).to include("tcpSocket" => { "port" => "http" })
    expect(container["lifecycle"]).to be_nil
  end

  it "has a Procfile for hosts that say PORT" do
    expect(File.read("#{root}/procfile/Procfile")).to eq("web: bundle exec kino\n")
  end
end
