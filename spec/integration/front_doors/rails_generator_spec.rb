# frozen_string_literal: true

require "support/kino_process"
require "support/rails_new"

RSpec.describe "rails generate kino:install" do
  include KinoProcess::Helpers

  before { RailsNew.copy_to(folder) }

  let(:settings) { File.read(File.join(RailsNew::ROOT, "lib/generators/kino/install/templates/kino.rb")) }
  let(:line) { "web: bundle exec kino\n" }

  # What the command says. It has nothing to read an answer from.
  def rails(*arguments)
    process = start("bin/rails", *arguments, env: RailsNew::ENVIRONMENT)
    expect([process.status, process.err]).to eq([0, ""])
    process.out
  end

  def install(*flags) = rails("generate", "kino:install", *flags)

  def destroy(*flags) = rails("destroy", "kino:install", *flags)

  def text(path) = File.exist?("#{folder}/#{path}") && File.read("#{folder}/#{path}")

  it "is among the generators, and says what it does" do
    expect(rails("generate", "--help")).to match(/^Kino:\n +kino:install$/)
    expect(install("--help")).to include("Writes config/kino.rb", "--force")
  end

  it "writes kino.rb and a Procfile, says so, and what to do next; the server runs with them" do
    said = install
    expect(said).to match(/^ +create +config\/kino\.rb\n +create +Procfile$/)
    expect(said).to include("bin/rails server -u kino, or bundle exec kino\n", "kino --from-puma", "kino --check\n")
    expect([text("config/kino.rb"), text("Procfile")]).to eq([settings, line])

    process = start("bin/rails", "server", "-u", "kino", "-p", "0", env: RailsNew::ENVIRONMENT)
    expect(process.get.status).to eq(200)
    expect(process.out).to include("1 worker x 5 threads, development)")
  end

  it "says a second time that all is as it should be" do
    install
    expect(install).to match(/^ +identical +config\/kino\.rb\n +identical +Procfile$/)
  end

  it "is undone" do
    install
    expect(destroy).to match(/^ +remove +config\/kino\.rb\n +remove +Procfile$/)
    expect([text("config/kino.rb"), text("Procfile")]).to eq([false, false])
    expect(destroy).to include("remove  config/kino.rb").or eq("")
  end

  it "leaves what is there, unless it is forced" do
    write("config/kino.rb", "threads 3\n")
    write("Procfile", "release: bin/rails db:migrate\nweb: bin/rails server\nworker: bin/jobs\n")
    said = install
    expect(said).to match(/^ +kept +config\/kino\.rb: it is there already \(--force for this one\)$/)
      .and match(/^ +kept +Procfile: its web line is another \(--force for this one\)$/)
    expect([text("config/kino.rb"), text("Procfile").lines[1]]).to eq(["threads 3\n", "web: bin/rails server\n"])

    expect(install("--force")).to match(/^ +force +config\/kino\.rb\n +force +Procfile$/)
    expect(text("config/kino.rb")).to eq(settings)
    expect(text("Procfile"))
      .to eq("release: bin/rails db:migrate\n# before kino: web: bin/rails server\n#{line}worker: bin/jobs\n")
  end

  it "puts the line back that was there before it was forced" do
    ["release: bin/rails db:migrate\nweb: bin/rails server\nworker: bin/jobs\n", "web: bin/rails server -p $PORT\n",
     "worker: bin/jobs\nweb: puma"].each do |former|
      write("Procfile", former)
      install("--force")
      expect(install("--force")).to match(/^ +identical +Procfile$/)
      expect(text("Procfile").lines.grep(/^web:/)).to eq([line])
      destroy("--pretend")
      expect(text("Procfile")).to include(line)
      expect(destroy).to match(/^ +revoke +Procfile: web: bundle exec kino$/)
      expect(text("Procfile").chomp).to eq(former.chomp)
    end
  end

  it "keeps one line of those that were there, the last" do
    write("Procfile", "# before kino: web: old\nweb: puma\n")
    install("--force")
    expect(text("Procfile")).to eq("# before kino: web: puma\n#{line}")
  end

  it "adds its line to a Procfile without one, and takes that alone away" do
    ["worker: bin/jobs\n", "worker: bin/jobs"].each do |former|
      write("Procfile", former)
      expect(install).to match(/^ +append +Procfile$/)
      expect(text("Procfile")).to eq("worker: bin/jobs\n#{line}")
      expect(destroy).to include("Procfile")
      expect(text("Procfile")).to eq("worker: bin/jobs\n")
    end
  end

  it "takes away nothing that was changed since, unless it is forced" do
    install
    write("config/kino.rb", "#{settings}# of mine\n")
    expect(destroy).to match(/^ +kept +config\/kino\.rb: it was changed since \(--force for this one\)$/)
    expect(text("config/kino.rb")).to end_with("# of mine\n")
    destroy("--force")
    expect(text("config/kino.rb")).to be(false)
  end

  it "writes nothing where it is to pretend" do
    install("--pretend")
    expect([text("config/kino.rb"), text("Procfile")]).to eq([false, false])
    install
    destroy("--pretend")
    expect([text("config/kino.rb"), text("Procfile")]).to eq([settings, line])
  end
end
