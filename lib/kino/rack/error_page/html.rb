# frozen_string_literal: true

module Kino
  class ErrorPage
    # The page for browsers: one document that loads nothing, and runs nothing.
    #
    # @api private
    module Html
      # What stands for what means something there.
      ESCAPES = { "&" => "&amp;", "<" => "&lt;", ">" => "&gt;", '"' => "&quot;", "'" => "&#39;" }.freeze
      STYLE = <<~CSS
        :root { color-scheme: light dark; --dim: #666; --soft: #8882; --mark: #e002; --red: #b3001b }
        @media (prefers-color-scheme: dark) { :root { --dim: #999; --red: #ff6b7a } }
        body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1.5rem }
        h1 { color: var(--red); font-size: 1.4rem; margin: 0 }
        h2 { font-size: 1rem; margin: 2rem 0 .5rem }
        p.request { color: var(--dim); margin: 0 0 1rem; overflow-wrap: anywhere }
        pre, td, th { font: 14px/1.5 ui-monospace, monospace }
        pre { background: var(--soft); border-radius: 6px; margin: .5rem 0; overflow-x: auto; padding: .75rem 0 }
        pre.message { padding: .75rem; white-space: pre-wrap }
        pre span { display: block; padding: 0 .75rem }
        pre .at { background: var(--mark); font-weight: bold }
        .other { color: var(--dim) }
        table { border-collapse: collapse; width: 100% }
        td, th { border-top: 1px solid var(--soft); overflow-wrap: anywhere; padding: .25rem .5rem .25rem 0 }
        td, th { text-align: left; vertical-align: top }
        th { font-weight: normal; white-space: nowrap }
        footer { color: var(--dim); font-size: .85rem; margin-top: 2rem }
      CSS
      private_constant :ESCAPES, :STYLE

      class << self
        # @param facts [Facts]
        # @return [String]
        def of(facts)
          first, *causes = facts.errors
          <<~HTML
            <!DOCTYPE html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>#{escape("#{first.name}: #{first.message.lines.first.to_s.chomp}")}</title>
            <style>#{STYLE}</style>
            <h1>#{escape(first.name)}</h1>
            <p class="request">#{escape(facts.request)}</p>
            #{error(first)}
            #{causes.map { |one| "<h2>Caused by #{escape(one.name)}</h2>\n#{error(one)}" }.join("\n")}
            <h2>Request</h2>
            <table>#{facts.env.map { |name, value| row(name, value) }.join("\n")}</table>
            <footer>Kino shows this in development only, to this machine and whom the setting error_page names.</footer>
            </html>
          HTML
        end

        private

        def error(one)
          frames = one.frames.map do |frame|
            "<span#{" class=\"other\"" unless frame.own}>#{escape(frame.text)}</span>"
          end
          <<~HTML
            <pre class="message">#{escape(one.message)}</pre>
            #{excerpt(one.excerpt)}
            <details#{" open" unless one.excerpt}><summary>Backtrace</summary><pre>#{frames.join}</pre></details>
          HTML
        end

        def excerpt(excerpt)
          return unless excerpt

          width = excerpt.lines.keys.last.to_s.size
          lines = excerpt.lines.map do |number, text|
            "<span#{" class=\"at\"" if number == excerpt.line}>#{number.to_s.rjust(width)}  #{escape(text)}</span>"
          end
          "<h2>#{escape(excerpt.place)}</h2>\n<pre>#{lines.join}</pre>"
        end

        def row(name, value) = "<tr><th>#{escape(name)}</th><td>#{escape(value)}</td></tr>"

        def escape(text) = text.gsub(/[&<>"']/, ESCAPES)
      end
    end
  end
end
