# frozen_string_literal: true

# What the probe finds depends on the Ruby and the Rails that it finds; how it says so doesn't.
RSpec.describe "examples/rails-hello/ractor_probe.rb" do
  def probe(**env)
    process = Example.run("rails-hello", "ractor_probe.rb", env: env.transform_keys(&:to_s))
    yield process.status, process.out.lines(chomp: true)
  ensure
    process&.kill
  end

  it "tells versions, each blocker with its error and FILE:LINE, and the verdict that its exit status has" do
    probe do |status, lines|
      blockers = lines.grep(/: BLOCKED\z/).size
      answered = %w[/ /about /stream?lines=4&pause=0 /nowhere /about].zip([200, 200, 200, 404, 304])
      answers = answered.map { |path, code| "GET #{path} #{code}" }.join(", ")

      expect(lines.first).to eq(RUBY_DESCRIPTION)
      expect(lines[1]).to match(/\ARails \d+\.\d+.*, Rack \d+\.\d+/)
      expect([lines.last, status]).to eq(["SUCCEEDED #{answers}", 0]).or eq(["BLOCKED by #{blockers}", 1])
      expect(lines.each_cons(3).select { |what,| what.end_with?(": BLOCKED") })
        .to all(match([/\A  \S/, /\A    [A-Z]\w*(::\w+)*: \S|\A    (its process|no end)/, /\A    \S+:\d+\z/]))
    end
  end

  it "ends a step that takes longer than PROBE_DEADLINE, and says so" do
    probe(PROBE_DEADLINE: "0") do |status, lines|
      expect(lines).to include("    no end within 0 s")
      expect([lines.last, status]).to match([/\ABLOCKED by \d+\z/, 1])
    end
  end
end
