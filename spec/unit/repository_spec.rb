# frozen_string_literal: true

require "json"
require "yaml"
require_relative "../../rakelib/sbom"

# What a maintainer, and whoever wants to help, relies on.
RSpec.describe "The repository" do
  root = File.expand_path("../..", __dir__)

  define_method(:read) { |path| File.read(File.join(root, path)) }
  let(:gemspec) { Gem::Specification.load("#{root}/kino.gemspec") }

  # As a gem is made where the environment has these.
  def specification(environment)
    none = %w[KINO_HOMEPAGE GITHUB_SERVER_URL GITHUB_REPOSITORY].to_h { |name| [name, nil] }
    code = 'puts Gem::Specification.load("kino.gemspec").then { |it| JSON.generate([it.homepage, it.metadata]) }'
    root = File.expand_path("../..", __dir__)
    JSON.parse(IO.popen([none.merge(environment), RbConfig.ruby, "-rjson", "-e", code, { chdir: root }], &:read))
  end

  it "has a gem that tells where all of it is, of one place and this version" do
    home = "https://github.example/them/kino"
    [{ "KINO_HOMEPAGE" => home },
     { "GITHUB_SERVER_URL" => "https://github.example", "GITHUB_REPOSITORY" => "them/kino" }].each do |environment|
      homepage, metadata = specification(environment)
      links = metadata.select { |name, _| name.end_with?("_uri") }
      expect(homepage).to eq(home)
      expect(links.keys).to include("bug_tracker_uri", "changelog_uri", "documentation_uri", "source_code_uri")
      expect(links.values).to all(start_with("#{home}/"))
      expect(metadata["changelog_uri"]).to include("v#{gemspec.version}/CHANGELOG.md")
    end
  end

  it "has a gem that sends nobody to an address that nobody has given" do
    homepage, metadata = specification({})
    expect([homepage, metadata]).to eq([nil, { "rubygems_mfa_required" => "true" }])
    elsewhere = Dir.glob("{.github/**/*.yml,*.md,doc/*.md}", File::FNM_DOTMATCH, base: root)
                   .flat_map { |path| read(path).scan(%r{https://github\.com/[\w-]+/kino\b}) }
    expect(elsewhere).to eq([])
  end

  it "has a changelog of kinds, whose first entry is this version" do
    text = read("CHANGELOG.md")

    expect(text[/^## \[(.+?)\]/, 1]).to eq(gemspec.version.to_s).or eq("Unreleased")
    expect(text.scan(/^## (.*)/).flatten)
      .to all(match(/\A\[Unreleased\]\z|\A\[\d+\.\d+\.\d+\] - (Unreleased|\d{4}-\d\d-\d\d)\z/))
    expect(text.scan(/^### (.*)/).flatten.uniq - %w[Added Changed Deprecated Removed Fixed Security]).to eq([])
  end

  describe "in its workflows" do
    workflows = Dir.glob(".github/workflows/*.yml", base: root)

    # `on` is a boolean to YAML.
    define_method(:workflow) { |path| YAML.safe_load(read(path), aliases: true).transform_keys(&:to_s) }

    it "has one for each push, and one for a release" do
      expect(workflows.map { |path| File.basename(path) }).to match_array(%w[ci.yml release.yml])
    end

    workflows.each do |path|
      it "takes only known actions, says what it may do, and needs jobs that there are (#{path})" do
        jobs = workflow(path).fetch("jobs")
        steps = jobs.values.flat_map { |job| job.fetch("steps") }

        expect(workflow(path)["permissions"]).to eq("contents" => "read")
        expect(jobs.values.flat_map { |job| Array(job["needs"]) } - jobs.keys).to eq([])
        expect(steps).to all(satisfy { |step| step.key?("uses") ^ step.key?("run") })
        expect(steps.filter_map { |step| step["uses"] }).to all(match(%r{\A[\w-]+/[\w./-]+@v[\d.]+\z}))
      end

      it "runs tasks and specs that there are (#{path})" do
        steps = workflow(path)["jobs"].values.flat_map { |job| job["steps"] }
        runs = steps.filter_map { |step| step["run"] }.join("\n")
        lanes = workflow(path)["jobs"].values.flat_map { |job| Array(job.dig("strategy", "matrix", "lane")) }
        tasks = runs.scan(/\brake ((?:[\w:]+ ?)+)/).flatten.flat_map(&:split) + lanes
        files = runs.scan(%r{spec/[\w./]+}).map { |file| File.join(root, file) }

        known = Dir.glob("{Rakefile,rakelib/*.rake}", base: root).map { |file| read(file) }.join
        expect(tasks.map { |task| task[/\w+\z/] }).to all(satisfy { |name| known.match?(/(task|new)\b.*\b#{name}\b/) })
        expect(files).to all(satisfy { |file| File.exist?(file) })
      end
    end

    it "tries each Ruby with each Rack on both systems" do
      matrix = workflow(".github/workflows/ci.yml").dig("jobs", "spec", "strategy", "matrix")

      expect(matrix).to include("ruby" => %w[3.3 3.4 4.0], "rack" => %w[3.0 3.1 3.2])
      expect(matrix["os"].map { |os| os[/\A[a-z]+/] }).to eq(%w[ubuntu macos])
    end

    it "makes a gem for each platform, and tries each on each Ruby" do
      jobs = workflow(".github/workflows/release.yml")["jobs"]
      platforms = jobs.dig("native", "strategy", "matrix", "platform")

      expect(platforms).to match_array(%w[x86_64 aarch64].product(%w[linux linux-musl]).map do |parts|
                                         parts.join("-")
                                       end +
                                       %w[x86_64-darwin arm64-darwin])
      expect(jobs.dig("try", "strategy", "matrix")).to include("platform" => platforms, "ruby" => %w[3.3 3.4 4.0])
      expect(jobs["publish"]).to include("environment" => "release", "permissions" => include("id-token" => "write"))
      expect(jobs["publish"]["needs"]).to include("try")
    end
  end

  it "has a bundle with Rails' main branch, where that is asked for, of the revisions that its example names" do
    code = <<~'RUBY'
      all = Bundler::Dsl.evaluate(Pathname("Gemfile"), nil, nil).dependencies
      found = all.select { |one| %w[rack rails].include?(one.name) }
      puts(found.map { |one| [one.name, *one.source&.options&.fetch("ref")].join(" ") })
    RUBY
    none = %w[RUBYOPT BUNDLER_SETUP KINO_RACK].to_h { |name| [name, nil] } # of the bundle that runs this
    bundle = lambda do |rails|
      command = [{ **none, "KINO_RAILS" => rails }, RbConfig.ruby, "-rbundler", "-e", code, { chdir: root }]
      IO.popen(command) { |told| told.readlines(chomp: true).sort }
    end
    named = read("examples/rails-ractors/Gemfile").scan(/^gem "(rack|rails)", .*ref: "(\h{40})"/)

    expect(bundle.call("main")).to eq(named.map { |pair| pair.join(" ") }.sort)
    expect(bundle.call(nil)).to eq(["rails"])
  end

  it "has forms for issues, of which that for faults says where what is secret goes" do
    forms = Dir.glob(".github/ISSUE_TEMPLATE/*.yml", base: root) - [".github/ISSUE_TEMPLATE/config.yml"]
    fields = forms.to_h { |path| [path, YAML.safe_load(read(path))] }

    expect(fields.values).to all(include("name", "description", "body"))
    ids = fields.values.map { |form| form["body"].map { |field| field.fetch("id") } }
    expect(ids).to all(satisfy { |all| all.uniq == all })
    expect(read(".github/ISSUE_TEMPLATE/bug_report.yml")).to include("SECURITY.md")
  end

  it "has pages on how to work here that name what there is" do
    text = read("CONTRIBUTING.md") + read("SECURITY.md") + read("doc/releasing.md")
    links = %w[CONTRIBUTING.md SECURITY.md doc/releasing.md].flat_map do |page|
      read(page).scan(/\]\((?!http)([^)#]+)/).flatten.map do |link|
        File.expand_path(link, File.dirname("#{root}/#{page}"))
      end
    end
    paths = text.scan(%r{`((?:bin|spec|lib|ext|doc|rakelib|sig)/[\w./-]+)`}).flatten

    expect(links + paths.map { |path| "#{root}/#{path}" }).to all(satisfy { |path| File.exist?(path) })
  end

  describe "a list of what is in a compiled gem" do
    it "has each crate that is linked, with licence and checksum, and nothing that only builds it" do
      parts = Sbom.document["components"]
      crates = parts.select { |part| part["purl"].start_with?("pkg:cargo/") }
      names = crates.map { |part| part["name"] }

      expect(names).to include("mio", "httparse", "rustls", "magnus")
      expect(names & %w[kino kino-core rb-sys-build bindgen syn proc-macro2 criterion]).to eq([])
      expect(crates.map { |part| part["hashes"].first["content"] }).to all(match(/\A\h{64}\z/))
      expect(crates.map { |part| part["licenses"].first["expression"] }).to all(match(/\A[\w.+() -]+\z/))
      expect(parts.map { |part| part["purl"] }).to include("pkg:gem/rack")
      expect(JSON.generate(Sbom.document)).to eq(JSON.generate(Sbom.document))
    end
  end
end
